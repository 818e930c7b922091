#include "record/doctor/mask.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/buf.h"
#include "record/doctor/checks.h"

enum {
	SECRETS_MAX = 256,
	SECRET_BYTES_MIN = 4, /* shorter values occur by chance, and would hide everything */
	LIKE_A_KEY_BYTES = 24,
};

static const char masked[] = "***";

/* Inside a name or before a value: over-long matches such as "keyspace" do no harm. */
static const char *const telling[] = {
	"key",	  "token", "passw",   "passphrase", "pwd",     "secret",    "auth",
	"api",	  "cred",  "sess",    "cooki",	    "private", "signature", "bearer",
	"basic ", "cert",  "license", "dsn",	    "sas=",    "pin=",	    "otp",
};

/* The end of the first telling word in n bytes of text, or NULL. */
static const char *find_telling(const char *text, size_t n)
{
	for (size_t at = 0; at < n; at++)
		for (size_t i = 0; i < N_ELEMENTS(telling); i++) {
			size_t length = strlen(telling[i]);

			if (length <= n - at && !strncasecmp(text + at, telling[i], length))
				return text + at + length;
		}
	return NULL;
}

/*
 * Where the value begins that a telling word announces: "--api-key=v", "token: v", "Bearer v",
 * {"password":"v"}. NULL: there is none in this text.
 */
static char *find_announced(char *text)
{
	for (const char *word = text; (word = find_telling(word, strlen(word)));) {
		size_t n = strcspn(word, "=: ");

		if (word[-1] == '=' || word[-1] == ' ')
			return text + (word - text);
		if (word[n])
			return text + (word - text) + n + 1;
	}
	return NULL;
}

static bool is_url_end(char c)
{
	return !c || isspace((unsigned char)c) || strchr("\"'<>", c);
}

/* "postgres://user:password@host/x": up to the last '@' of the word. */
static void mask_userinfo(struct buf *out, const char *text)
{
	const char *scheme;

	while ((scheme = strstr(text, "://"))) {
		const char *begin = scheme + 3, *at = NULL, *end = begin;

		for (; !is_url_end(*end); end++)
			if (*end == '@')
				at = end;
		buf_put(out, text, (size_t)(begin - text));
		if (at)
			buf_puts(out, masked);
		text = at ? at : begin;
		if (!at && end == begin)
			break;
		buf_put(out, text, (size_t)(end - text));
		text = end;
	}
	buf_puts(out, text);
}

static bool is_key_byte(char c)
{
	return isalnum((unsigned char)c) || c == '+' || c == '_' || c == '-';
}

/* Runs of 24 and more letters with digits among them: hex, base64, tokens with a prefix. */
static void mask_keys(char *text)
{
	for (char *at = text; *at;) {
		size_t n = 0, digits = 0, letters = 0;

		for (; is_key_byte(at[n]); n++) {
			digits += isdigit((unsigned char)at[n]) != 0;
			letters += isalpha((unsigned char)at[n]) != 0;
		}
		if (n >= LIKE_A_KEY_BYTES && digits >= 2 && letters)
			memset(at, '*', n);
		at += n ? n : 1;
	}
}

struct walk {
	/* of `special`; "curl" may be an argument of a shell, of env: the last one counts */
	const char *program;
	bool value_is_next;
};

static void mask_next(struct walk *w, const char *arg, struct buf *out);

/* A shell's script, most likely: its words are arguments too. */
static void mask_words(char *text, struct buf *out)
{
	struct walk walk = { .program = NULL };
	char *save, *word = strtok_r(text, " \t\r\n", &save);

	for (; word; word = strtok_r(NULL, " \t\r\n", &save)) {
		mask_next(&walk, word, out);
		buf_putc(out, ' ');
	}
}

static void mask_plain(char *text, struct buf *out)
{
	mask_keys(text);
	text_clean(text);
	mask_userinfo(out, text);
}

/* One argument without its announced value; true: the next argument is the value. */
static bool mask_one(const char *arg, struct buf *out)
{
	char *text = mem_strdup(arg);
	char *value = find_announced(text);
	bool has_value = value && *value;
	bool next = !value && arg[0] == '-' && find_telling(arg, strlen(arg));

	if (value)
		*value = 0;
	if (strpbrk(text, " \t\r\n"))
		mask_words(text, out);
	else
		mask_plain(text, out);
	if (has_value)
		buf_puts(out, masked);
	free(text);
	return next || (value && !has_value);
}

static bool is_program(const char *arg0, const char *name)
{
	const char *slash = strrchr(arg0, '/');

	return !strncmp(slash ? slash + 1 : arg0, name, strlen(name));
}

/*
 * Options whose names tell nothing: curl -u user:password (also in one), mysql -ppassword,
 * redis-cli -a password, sshpass -p password.
 */
static const struct {
	const char *program, *option;
	bool next; /* the value may be the next argument */
} special[] = {
	{ "curl", "-u", true },	     { "curl", "--user", true },   { "curl", "-U", true },
	{ "curl", "-H", true },	     { "curl", "-b", true },	   { "wget", "--user", true },
	{ "mysql", "-p", false },    { "mariadb", "-p", false },   { "redis-cli", "-a", true },
	{ "sshpass", "-p", true },   { "mongo", "-p", true },	   { "ldap", "-w", true },
	{ "docker", "-e", true },    { "openssl", "-pass", true }, { "smbclient", "-U", true },
	{ "mosquitto", "-P", true },
};

/* 1: its value follows; 2: its value is in it; 0: neither. *ret_n: bytes of the option. */
static int special_of(const char *program, const char *arg, size_t *ret_n)
{
	for (size_t i = 0; i < N_ELEMENTS(special); i++) {
		size_t n = strlen(special[i].option);

		if (strcmp(program, special[i].program) != 0 || strncmp(arg, special[i].option, n))
			continue;
		*ret_n = n;
		if (arg[n])
			return 2;
		if (special[i].next)
			return 1;
	}
	return 0;
}

static void mask_next(struct walk *w, const char *arg, struct buf *out)
{
	size_t n;

	if (w->value_is_next) {
		w->value_is_next = false;
		buf_puts(out, masked);
		return;
	}
	for (size_t i = 0; i < N_ELEMENTS(special); i++)
		if (arg[0] != '-' && is_program(arg, special[i].program))
			w->program = special[i].program;
	int found = w->program ? special_of(w->program, arg, &n) : 0;
	if (found == 2) {
		buf_put(out, arg, n);
		buf_puts(out, masked);
		return;
	}
	w->value_is_next = mask_one(arg, out) || found == 1;
}

/* Whoever goes on without it shows what follows a word that was not seen. */
static char *copy_of(const char *text, size_t n)
{
	char *copy = mem_alloc(n + 1);

	memcpy(copy, text, n);
	copy[n] = 0;
	return copy;
}

void mask_arguments(const char *args, size_t n, struct buf *out)
{
	struct walk walk = { .program = NULL };

	for (size_t at = 0; at < n;) {
		size_t length = strnlen(args + at, n - at);
		AUTO_FREE char *arg = copy_of(args + at, length);

		mask_next(&walk, arg, out);
		buf_putc(out, '\n');
		at += length + 1;
	}
}

/* Of a log, where "session" and "keyframe" are no secrets. */
static const char *find_secret_word(const char *line)
{
	static const char *const words[] = { "api_key",	 "api-key", "apikey",
					     "password", "token",   "passw",
					     "secret",	 "bearer",  "authorization" };

	for (size_t i = 0; i < N_ELEMENTS(words); i++) {
		const char *at = strcasestr(line, words[i]);

		if (at)
			return at + strlen(words[i]);
	}
	return NULL;
}

void mask_log(const char *text, size_t n, struct buf *out)
{
	for (size_t at = 0; at < n;) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t length = end ? (size_t)(end - text) - at : n - at;
		AUTO_FREE char *line = copy_of(text + at, length);
		char *secret = (char *)find_secret_word(line);
		bool more = secret && *secret;
		if (more)
			*secret = 0;
		mask_plain(line, out);
		buf_puts(out, more ? " ***\n" : "\n");
		at += length + 1;
	}
}

struct secrets {
	char *value[SECRETS_MAX];
	size_t n;
};

struct secrets *secrets_new(void)
{
	return calloc(1, sizeof(struct secrets));
}

void secrets_free(struct secrets *s)
{
	for (size_t i = 0; s && i < s->n; i++)
		free(s->value[i]);
	free(s);
}

void secrets_note_variable(struct secrets *s, const char *variable)
{
	const char *equals = strchr(variable, '=');

	if (!equals || s->n == SECRETS_MAX || strlen(equals + 1) < SECRET_BYTES_MIN)
		return;
	bool tells = find_telling(variable, (size_t)(equals - variable)) != NULL;
	const char *scheme = strstr(equals, "://");
	if (!tells && !(scheme && strchr(scheme, '@')))
		return;
	s->value[s->n++] = mem_strdup(equals + 1);
}

void secrets_hide(const struct secrets *s, char *text, size_t n)
{
	for (size_t i = 0; n && i < s->n; i++) {
		size_t length = strlen(s->value[i]);
		char *at = text;

		while ((at = memmem(at, n - (size_t)(at - text), s->value[i], length))) {
			memset(at, '*', length);
			at += length;
		}
	}
}
