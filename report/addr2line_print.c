/*
 * Demangled names are kept: of 20 000 addresses most share theirs. What is left of a frame is three
 * copies into one piece of the output. The forms, and what is printed for things unknown, are those
 * of binutils 2.40, down to a discriminator of the address being said at each of its frames.
 */
#include "report/addr2line.h"

#include <string.h>

#include "report/export/export.h"
#include "report/symbol/symbol.h"

enum {
	/* Of a place in the text: where, and how long. */
	PLACE_BITS = 36,
	LINE_BYTES = 12, /* ":4294967295" */
	FRAME_BYTES = sizeof(" at ") + sizeof(" (inlined by) ") + LINE_BYTES,
};

/* Something to print, of a length that is known. */
struct piece {
	const char *text;
	size_t n;
};

void addr2line_printer_init(struct addr2line_printer *p, const struct addr2line_form *form,
			    const struct answers *answers)
{
	*p = (struct addr2line_printer){ .form = form, .answers = answers };
	map_init(&p->made);
	buf_init(&p->text);
}

void addr2line_printer_done(struct addr2line_printer *p)
{
	map_done(&p->made);
	buf_done(&p->text);
}

static struct piece piece_of(const char *text)
{
	return (struct piece){ text, strlen(text) };
}

/* Demangled, and escaped for a terminal, at the end of p->text. */
static void make_name(struct addr2line_printer *p, const char *name)
{
	struct buf pretty;

	buf_init(&pretty);
	if (symbol_demangle_as(name, p->form->languages, &pretty))
		name = buf_text(&pretty);
	if (p->form->escape)
		escape_text(&p->text, name);
	else
		buf_puts(&p->text, name);
	buf_done(&pretty);
}

static struct piece name_of(struct addr2line_printer *p, uint32_t text)
{
	const char *name = answers_text(p->answers, text);
	uint64_t *place;
	bool is_new;
	size_t at;

	if (!*name)
		return piece_of("??");
	if (!p->form->escape && !symbol_may_be_mangled(name, p->form->languages))
		return piece_of(name);
	place = map_put(&p->made, (uint64_t)text + 1, &is_new);
	if (is_new) {
		at = p->text.n;
		make_name(p, name);
		*place = (uint64_t)at | (uint64_t)(p->text.n - at) << PLACE_BITS;
	}
	at = *place & (((uint64_t)1 << PLACE_BITS) - 1);
	return (struct piece){ p->text.data + at, *place >> PLACE_BITS };
}

/* `escaped` is where a path goes that has to be made harmless first. */
static struct piece file_of(const struct addr2line_printer *p, uint32_t text, struct buf *escaped)
{
	const char *file = answers_text(p->answers, text);
	const char *base = p->form->basenames ? strrchr(file, '/') : NULL;

	if (!*file)
		return piece_of("??");
	if (base)
		file = base + 1;
	if (!p->form->escape)
		return piece_of(file);
	buf_reset(escaped);
	escape_text(escaped, file);
	return (struct piece){ escaped->data, escaped->n };
}

static char *put(char *to, struct piece piece)
{
	memcpy(to, piece.text, piece.n);
	return to + piece.n;
}

static char *put_number(char *to, uint32_t n)
{
	char digits[LINE_BYTES];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	return put(to, (struct piece){ digits + at, sizeof(digits) - at });
}

/* A frame without its end of line. */
static void put_frame(struct addr2line_printer *p, const struct answer_frame *f, bool is_caller,
		      struct buf *out)
{
	const struct addr2line_form *form = p->form;
	struct piece name = { "", 0 }, file;
	struct buf escaped;
	char *start, *to;

	buf_init(&escaped);
	if (form->functions)
		name = name_of(p, f->name);
	file = file_of(p, f->file, &escaped);
	start = to = buf_grow(out, name.n + file.n + FRAME_BYTES);
	if (is_caller && form->pretty)
		to = put(to, piece_of(" (inlined by) "));
	if (form->functions)
		to = put(put(to, name), piece_of(form->pretty ? " at " : "\n"));
	to = put(to, file);
	*to++ = ':';
	if (f->line)
		to = put_number(to, f->line);
	else
		*to++ = '?';
	out->n += (size_t)(to - start);
	buf_done(&escaped);
}

static void put_hex(struct buf *out, uint64_t addr)
{
	static const char digits[] = "0123456789abcdef";
	char text[18] = "0x";

	for (unsigned int i = 0; i < 16; i++)
		text[2 + i] = digits[addr >> (60 - 4 * i) & 15];
	buf_put(out, text, sizeof(text));
}

static void put_discriminator(struct buf *out, uint32_t discriminator)
{
	char *start, *to;

	start = to = buf_grow(out, sizeof(" (discriminator )") + LINE_BYTES);
	to = put_number(put(to, piece_of(" (discriminator ")), discriminator);
	*to++ = ')';
	out->n += (size_t)(to - start);
}

static void put_unknown(const struct addr2line_form *form, struct buf *out)
{
	if (form->functions)
		buf_puts(out, form->pretty ? "?? " : "??\n");
	buf_puts(out, "??:0\n");
}

void addr2line_print(struct addr2line_printer *p, uint64_t addr, uint32_t first, struct buf *out)
{
	const struct answer_frame *frame = p->answers ? p->answers->frame : NULL;
	uint32_t discriminator;

	if (p->form->addresses) {
		put_hex(out, addr);
		buf_puts(out, p->form->pretty ? ": " : "\n");
	}
	if (first == ANSWER_NONE) {
		put_unknown(p->form, out);
		return;
	}
	discriminator = frame[first].flags >> ANSWER_DISCRIMINATOR_SHIFT;
	for (uint32_t i = first; i != ANSWER_NONE; i = frame[i].caller) {
		put_frame(p, &frame[i], i != first, out);
		if (discriminator && frame[i].line)
			put_discriminator(out, discriminator);
		buf_putc(out, '\n');
		if (!p->form->inlines)
			break;
	}
}
