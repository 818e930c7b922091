/*
 * The DWARF engine over programs compiled here: what compilers write in each version, and what is
 * left of it when the bytes are cut.
 */
#include "report/dwarf/dwarf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "report/dwarf/engine.h"
#include "report/symbol/answer.h"
#include "tests/unit/check.h"

enum { TEXT = 0x1000, TEXT_BYTES = 0x400 };

/* Lines matter: leaf's body is line 2, middle's 3, top's 4. */
static const char program[] =
	"static inline int __attribute__((always_inline))\n"
	"leaf(int *p) { return __atomic_add_fetch(p, 7, 5); }\n"
	"static inline int __attribute__((always_inline)) middle(int *p) { return leaf(p) * 3; }\n"
	"int top(int *p) { return middle(p) + 1; }\n"
	"int other(int *p) { return *p; }\n";

static int compile(const char *options)
{
	char command[512], dir[] = "/tmp/ddprof-dwarf-XXXXXX", path[64];
	const char *cc = getenv("CC");
	FILE *source;
	int fd;

	REQUIRE_TRUE(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/p.c", dir);
	source = fopen(path, "w");
	REQUIRE_TRUE(source != NULL);
	fputs(program, source);
	fclose(source);
	snprintf(command, sizeof(command),
		 "cd %s && %s -O2 %s -nostdlib -static -Wl,-e,0 -Wl,-Ttext=0x%x p.c -o p "
		 "2>/dev/null",
		 dir, cc && *cc ? cc : "cc", options, TEXT);
	if (system(command) != 0)
		check_skip("the compiler refuses %s", options);
	snprintf(path, sizeof(path), "%s/p", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	CHECK_INT(system(command), 0);
	REQUIRE_TRUE(fd >= 0);
	return fd;
}

/* Asks for every address of the text. Owner: caller. */
static char *ask(struct dwarf *d, struct answers *ret)
{
	struct answers_builder *out = answers_builder_new();
	uint64_t addr[TEXT_BYTES];
	struct err err = { 0 };
	struct buf bytes;
	int status;

	for (unsigned int i = 0; i < TEXT_BYTES; i++)
		addr[i] = TEXT + i;
	status = dwarf_answer(d, addr, TEXT_BYTES, out, &err);
	CHECK_TRUE(status == 0 || (status == -EBADMSG && err.text[0]));
	buf_init(&bytes);
	answers_finish(out, &bytes);
	answers_builder_free(out);
	REQUIRE_INT(answers_open(bytes.data, bytes.n, ret, &err), 0);
	return bytes.data;
}

static const struct answer_frame *caller_of(const struct answers *a, const struct answer_frame *f)
{
	return f->caller == ANSWER_NONE ? NULL : &a->frame[f->caller];
}

/* The chain leaf < middle < top is somewhere in the text, with lines of the calls. */
static void check_chain(const struct answers *a)
{
	const struct answer_frame *leaf = NULL, *middle, *top;

	for (uint32_t i = 0; i < a->n && !leaf; i++)
		if (a->first[i] != ANSWER_NONE &&
		    !strcmp(answers_text(a, a->frame[a->first[i]].name), "leaf"))
			leaf = &a->frame[a->first[i]];
	REQUIRE_TRUE(leaf != NULL);
	middle = caller_of(a, leaf);
	REQUIRE_TRUE(middle != NULL);
	top = caller_of(a, middle);
	REQUIRE_TRUE(top != NULL);
	CHECK_STR(answers_text(a, middle->name), "middle");
	CHECK_STR(answers_text(a, top->name), "top");
	CHECK_UINT(leaf->line, 2);
	CHECK_UINT(middle->line, 3);
	CHECK_UINT(top->line, 4);
	CHECK_HAS(answers_text(a, leaf->file), "/p.c");
	CHECK_TRUE(leaf->flags & ANSWER_INLINED);
	CHECK_TRUE(middle->flags & ANSWER_INLINED);
	CHECK_TRUE(!(top->flags & ANSWER_INLINED));
	CHECK_UINT(top->caller, ANSWER_NONE);
}

static const char *const versions[] = { "-gdwarf-2", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5",
					"-gdwarf-5 -ffunction-sections", "-gdwarf-4 -gz" };

static void every_version(void)
{
	for (size_t i = 0; i < N_ELEMENTS(versions); i++) {
		struct dwarf_input in = { .fd = compile(versions[i]), .name = versions[i] };
		struct answers answers;
		struct err err = { 0 };
		struct dwarf *d;
		char *bytes;

		REQUIRE_INT(dwarf_open(&in, &d, &err), 0);
		bytes = ask(d, &answers);
		check_chain(&answers);
		CHECK_STR(dwarf_trouble(d), "");
		CHECK_UINT(dwarf_stats(d)->n_units_bad, 0);
		free(bytes);
		/* a second question of the same engine, with another builder */
		bytes = ask(d, &answers);
		check_chain(&answers);
		free(bytes);
		dwarf_close(d);
		close(in.fd);
	}
}

static void no_inlines(void)
{
	struct dwarf_input in = { .fd = compile("-g"), .name = "p", .no_inlines = true };
	struct answers answers;
	struct err err = { 0 };
	struct dwarf *d;
	char *bytes;

	REQUIRE_INT(dwarf_open(&in, &d, &err), 0);
	bytes = ask(d, &answers);
	for (uint32_t i = 0; i < answers.n_frames; i++)
		CHECK_UINT(answers.frame[i].caller, ANSWER_NONE);
	CHECK_UINT(dwarf_stats(d)->n_inlined, 0);
	free(bytes);
	dwarf_close(d);
	close(in.fd);
}

static void stripped(void)
{
	struct dwarf_input in = { .fd = compile("-s"), .name = "p" };
	struct err err = { 0 };
	struct dwarf *d;

	CHECK_INT(dwarf_open(&in, &d, &err), -ENODATA);
	CHECK_HAS(err.text, "neither debug information nor symbols");
	close(in.fd);
}

/* Sections of a compiled program, each cut at every length: answers stay sound, nothing hangs. */
static void cut_everywhere(void)
{
	static const enum section_kind cut[] = { SECTION_INFO, SECTION_ABBREV, SECTION_LINE,
						 SECTION_STR,  SECTION_LINE_STR, SECTION_RNGLISTS };
	struct section section[SECTION_KINDS] = { 0 };
	struct sections *s;
	struct err err = { 0 };
	AUTO_CLOSE int fd = compile("-gdwarf-5");

	REQUIRE_INT(sections_open(fd, false, &s, &err), 0);
	for (unsigned int i = 0; i <= SECTION_RNGLISTS; i++)
		REQUIRE_INT(sections_get(s, (enum section_kind)i, &section[i], &err), 0);
	for (size_t i = 0; i < N_ELEMENTS(cut); i++) {
		struct section whole = section[cut[i]];

		for (uint64_t n = 0; n < whole.n; n++) {
			struct answers answers;
			struct dwarf *d;

			section[cut[i]].n = n;
			d = dwarf_over(section, TEXT, TEXT + TEXT_BYTES);
			free(ask(d, &answers));
			CHECK_UINT(answers.n, TEXT_BYTES);
			dwarf_close(d);
		}
		section[cut[i]] = whole;
	}
	sections_close(s);
}

SUITE(dwarf_dwarf,
      { "DWARF 2 to 5 give the chain of inlined bodies with lines of the calls", every_version },
      { "without inlines each address has one frame", no_inlines },
      { "a stripped file is said to have no names", stripped },
      { "sections cut at every length still give an answer for each address", cut_everywhere }, )
