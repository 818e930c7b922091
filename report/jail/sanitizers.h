/* Whether this build has sanitizers: their shadow memory and checks need what jails refuse. */
#ifndef REPORT_JAIL_SANITIZERS_H
#define REPORT_JAIL_SANITIZERS_H

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
