/*
 * Secrets out of command lines and other text that leaves the house. Rather too much than too
 * little: what follows a telling word goes, up to the end. Private to the room.
 */
#ifndef RECORD_DOCTOR_MASK_H
#define RECORD_DOCTOR_MASK_H

#include <stddef.h>

struct buf;

/*
 * Arguments, each with its zero, n bytes together -> one per line, printable. Masked are: what
 * follows key, token, password, secret, auth, api ... with '=' or ':' in the same argument, or as
 * the next one; the userinfo of URLs; the user's password of curl and mysql; words that look like
 * keys by themselves.
 */
void mask_arguments(const char *args, size_t n, struct buf *out);

/* Lines of a log: from a word such as token or password on they go; URLs and keys as above. */
void mask_log(const char *text, size_t n, struct buf *out);

/* Values that must not appear anywhere: taken from variables and arguments with telling names. */
struct secrets;

struct secrets *secrets_new(void);
void secrets_free(struct secrets *s);
/* "NAME=value": kept if the name is telling, or if the value has a URL's userinfo. */
void secrets_note_variable(struct secrets *s, const char *variable);
/* In place: each noted value that occurs becomes '*'. */
void secrets_hide(const struct secrets *s, char *text, size_t n);

#endif
