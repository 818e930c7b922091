/* A small profile made by hand, for the suites of profile/ and export/. */
#ifndef TESTS_UNIT_PROFILE_MADE_H
#define TESTS_UNIT_PROFILE_MADE_H

#include <stdio.h>
#include <string.h>

#include "report/profile/profile.h"

enum { MADE_FRAMES = 64 };

/*
 * Place i is function i, of which the first letter's case says the module: upper app, lower
 * libc.so.6.
 */
static struct profile *made_new(void)
{
	struct profile *p = profile_new();

	p->source[0].used = true;
	p->source[0].about = (struct record_source){ .name = "sCPU",
						     .unit = "nanoseconds",
						     .frequency_hz = 100 };
	p->origin.ended = true;
	p->origin.first_ns = 1000;
	p->origin.last_ns = 5000001000;
	p->origin.realtime_ns = 1700000000000000000;
	return p;
}

/* "ABC": A called B called C; the sample hit C. */
static void made_add_shared(struct profile *p, uint32_t tid, const char *comm, const char *stack,
			    uint64_t weight, enum unwind_stop stop, uint32_t n_shared)
{
	struct frame frame[MADE_FRAMES];
	struct frames frames = {
		.frame = frame, .n = (uint32_t)strlen(stack), .stop = stop, .n_shared = n_shared
	};

	for (uint32_t i = 0; i < frames.n; i++)
		frame[i] = (struct frame){ .loc = (uint32_t)stack[frames.n - 1 - i],
					   .method = UNWIND_BY_CFI };
	profile_add(p, profile_thread(p, 100, tid, comm, "app"), 0, weight, &frames);
}

static void made_add(struct profile *p, uint32_t tid, const char *comm, const char *stack,
		     uint64_t weight)
{
	made_add_shared(p, tid, comm, stack, weight, UNWIND_ROOT, 0);
}

static uint32_t made_module(struct profile *p, const char *path, const char *name, uint8_t build_id)
{
	struct profile_module m = {
		.kind = MODULE_FILE,
		.has_names = true,
		.build_id = { .n = 4, .bytes = { build_id, 2, 3, 4 } },
		.code_addr = 0x1000,
		.code_size = 0x2000,
		.code_file_off = 0x1000,
	};

	m.path = intern_put(&p->names, path);
	m.name = intern_put(&p->names, name);
	return profile_add_module(p, &m);
}

/* Names: letter X is "X()"; '?' is unnamed. */
static void made_names(struct profile *p)
{
	uint32_t app, libc;

	profile_seal(p);
	app = made_module(p, "/opt/app", "app", 0xaa);
	libc = made_module(p, "/usr/lib/libc.so.6", "libc.so.6", 0xcc);
	p->n_places = 128;
	p->place = mem_zalloc(p->n_places * sizeof(*p->place));
	for (uint32_t i = 0; i < p->n_places; i++) {
		bool lower = i >= 'a' && i <= 'z';
		char name[16], system_name[16];

		snprintf(name, sizeof(name), i == '?' ? "[app+0x103f]" : "%c()", i ? (int)i : '0');
		snprintf(system_name, sizeof(system_name), i == '?' ? name : "_Z1%cv",
			 (int)(i ? i : '0'));
		p->place[i] =
			(struct profile_place){ .addr = 0x1000 + i, .module = lower ? libc : app };
		p->place[i].function =
			profile_function(p, p->place[i].module, intern_put(&p->names, name),
					 intern_put(&p->names, system_name), i != '?');
	}
}

/* After made_names: where the code of letter `at` comes from. */
static inline void made_source(struct profile *p, char at, const char *file, uint32_t line)
{
	p->place[(unsigned char)at].file = intern_put(&p->names, file);
	p->place[(unsigned char)at].line = line;
}

/*
 * After made_names: at letter `at` the functions of `inner` are inlined, outermost first; the
 * first has line `line` of `file`, the next `line` + 1. Returns the place of the first.
 */
static inline uint32_t made_inline(struct profile *p, char at, const char *inner, const char *file,
				   uint32_t line)
{
	uint32_t place = (unsigned char)at, first = (uint32_t)p->n_places;
	size_t n = strlen(inner);

	p->place = mem_realloc(p->place, (p->n_places + n) * sizeof(*p->place));
	p->place[place].inner = first;
	p->place[place].n_inner = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		p->place[p->n_places++] = (struct profile_place){
			.addr = p->place[place].addr,
			.module = p->place[place].module,
			.function = p->place[(unsigned char)inner[i]].function,
			.file = intern_put(&p->names, file),
			.line = line + (uint32_t)i,
			.inlined = true,
			.inner = place,
		};
	return first;
}

#endif
