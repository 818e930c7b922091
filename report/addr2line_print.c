/*
 * The text of a frame is made once and copied for each address that is in it: of 20 000 addresses
 * most share their callers. The forms, and what is printed for things unknown, are those of
 * binutils 2.40, down to a discriminator of the address being said at each of its frames.
 */
#include "report/addr2line.h"

#include <inttypes.h>
#include <string.h>

#include "report/export/export.h"
#include "report/symbol/symbol.h"

/* Of a place in the text: where, and how long. */
enum { PLACE_BITS = 36 };

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

static void put_text(const struct addr2line_form *form, struct buf *b, const char *text)
{
	if (form->escape)
		escape_text(b, text);
	else
		buf_puts(b, text);
}

static void put_demangled(const struct addr2line_form *form, struct buf *b, const char *name)
{
	struct buf pretty;

	buf_init(&pretty);
	if (symbol_demangle_as(name, form->languages, &pretty))
		name = buf_text(&pretty);
	put_text(form, b, name);
	buf_done(&pretty);
}

static void put_name(const struct addr2line_form *form, struct buf *b, const char *name)
{
	if (!*name)
		buf_puts(b, "??");
	else if (form->languages)
		put_demangled(form, b, name);
	else
		put_text(form, b, name);
	buf_puts(b, form->pretty ? " at " : "\n");
}

static void put_place(const struct addr2line_form *form, struct buf *b, const char *file,
		      uint32_t line)
{
	const char *base = form->basenames ? strrchr(file, '/') : NULL;

	put_text(form, b, !*file ? "??" : base ? base + 1 : file);
	if (line)
		buf_printf(b, ":%" PRIu32, line);
	else
		buf_puts(b, ":?");
}

/* The text of a frame without its end of line. */
static void copy_frame(struct addr2line_printer *p, uint32_t i, struct buf *out)
{
	bool is_new;
	uint64_t *place = map_put(&p->made, (uint64_t)i + 1, &is_new);
	size_t at;

	if (is_new) {
		const struct answer_frame *f = &p->answers->frame[i];

		at = p->text.n;
		if (p->form->functions)
			put_name(p->form, &p->text, answers_text(p->answers, f->name));
		put_place(p->form, &p->text, answers_text(p->answers, f->file), f->line);
		*place = (uint64_t)at | (uint64_t)(p->text.n - at) << PLACE_BITS;
	}
	at = *place & (((uint64_t)1 << PLACE_BITS) - 1);
	buf_put(out, p->text.data + at, *place >> PLACE_BITS);
}

static void put_hex(struct buf *out, uint64_t addr)
{
	static const char digits[] = "0123456789abcdef";
	char text[18] = "0x";

	for (unsigned int i = 0; i < 16; i++)
		text[2 + i] = digits[addr >> (60 - 4 * i) & 15];
	buf_put(out, text, sizeof(text));
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
		if (i != first && p->form->pretty)
			buf_puts(out, " (inlined by) ");
		copy_frame(p, i, out);
		if (discriminator && frame[i].line)
			buf_printf(out, " (discriminator %" PRIu32 ")", discriminator);
		buf_putc(out, '\n');
		if (!p->form->inlines)
			break;
	}
}
