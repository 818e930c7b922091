#include "record/doctor/checks.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

/* Length of the UTF-8 sequence that starts here; 0: none does. Shortest forms only, no C1 controls.
 */
static size_t utf8_length(const uint8_t *at)
{
	size_t n = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;

	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((at[0] == 0xc2 && at[1] < 0xa0) || (at[0] == 0xe0 && at[1] < 0xa0) ||
	    (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf0 && at[1] < 0x90) ||
	    (at[0] == 0xf4 && at[1] >= 0x90))
		return 0;
	return n;
}

void text_clean(char *text)
{
	for (uint8_t *at = (uint8_t *)text; *at;) {
		size_t n = *at >= 0x20 && *at < 0x7f ? 1 : utf8_length(at);

		if (!n) {
			*at = '?';
			n = 1;
		}
		at += n;
	}
}

static void put(char *to, size_t cap, const char *fmt, va_list ap)
{
	vsnprintf(to, cap, fmt, ap);
	text_clean(to);
}

struct check *checks_add(struct checks *c, enum check_about about, enum gate_verdict verdict,
			 const char *name, const char *fmt, ...)
{
	struct check *check = &c->at[c->n < CHECKS_MAX ? c->n++ : CHECKS_MAX - 1];
	va_list ap;

	*check = (struct check){ .about = about, .verdict = verdict };
	snprintf(check->name, sizeof(check->name), "%s", name);
	va_start(ap, fmt);
	put(check->value, sizeof(check->value), fmt, ap);
	va_end(ap);
	return check;
}

void check_means(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(c->means, sizeof(c->means), fmt, ap);
	va_end(ap);
}

void check_remedy(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(c->remedy, sizeof(c->remedy), fmt, ap);
	va_end(ap);
}

void checks_summary(struct checks *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(c->summary, sizeof(c->summary), fmt, ap);
	va_end(ap);
}
