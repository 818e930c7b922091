#include "report/dwarf/file.h"

#include <string.h>

#include "report/symbol/answer.h"

void budget_trouble(struct budget *b, const struct err *err)
{
	if (!b->trouble.text[0])
		b->trouble = *err;
}

const struct section *file_section_get(struct dwarf_file *f, enum section_kind kind)
{
	struct section *s = &f->section[kind];
	struct err err = { 0 };

	if (f->got[kind] || !f->sections)
		return s;
	f->got[kind] = true;
	if (sections_get(f->sections, kind, s, &err) < 0) {
		*s = (struct section){ 0 };
		budget_trouble(f->budget, &err);
	}
	return s;
}

bool file_text(struct dwarf_file *f, enum section_kind kind, uint64_t off, const char **ret,
	       size_t *ret_n)
{
	const struct section *s = file_section(f, kind);
	const uint8_t *text, *end;
	uint64_t most;

	if (off >= s->n)
		return false;
	text = s->data + off;
	most = s->n - off;
	if (most > ANSWER_TEXT_MAX)
		most = ANSWER_TEXT_MAX;
	end = memchr(text, 0, most);
	if (!end)
		return false;
	*ret = (const char *)text;
	*ret_n = (size_t)(end - text);
	return true;
}
