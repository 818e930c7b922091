/*
 * Whether this build has sanitizers: they look at their own process when it ends, in ways that no
 * limit of ours lets through. Private to the room.
 */
#ifndef RECORD_HARDEN_SANITIZED_H
#define RECORD_HARDEN_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
