/*
 * Two timelines for each process: codes whose times the runtime told, and those that were seen in a
 * file between two looks. A code of the second kind counts from the look before on: it may have
 * been written right after that. What a process was before its present life (exec, or another
 * process of its number) is left out by time.
 */
#include "report/jit/jit.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bits.h"
#include "common/base/map.h"
#include "common/elf/image.h"
#include "report/jit/timeline.h"

enum {
	CODES_MAX = 2 << 20,
	TEXT_BYTES_MAX = 512 << 20, /* of names, lines and call frame information together */
	PENDING_MAX = 64,
	ANCESTORS_MAX = 16,
	CODE_LINES_MAX = 1 << 20,
	/*
	 * Line addresses count from here in the dumps of V8, which reckons with the header of the
	 * ELF file that perf inject would make.
	 */
	LINES_AFTER = 64,
};

struct code {
	const char *name;
	uint64_t start, size, time_ns;
	enum jit_origin origin;
	uint32_t pid;
	uint32_t n_lines;
	struct jit_line *line; /* addr: offset in the code; rising */
	const uint8_t *unwind;
	uint32_t unwind_bytes, hdr_bytes;
	uint64_t unwind_off; /* from the start: behind the code as it was before any move */
	struct elf_image *image;
};

struct program { /* all codes ever told under one process number */
	uint32_t pid;
	uint64_t first_line; /* lowest offset of any line of its codes */
	struct timeline exact, seen;
};

/* A process from fork or exec on. */
struct life {
	uint32_t pid;
	uint64_t begin_ns;
	uint32_t parent; /* life whose code it has; 0: none */
};

/* Lines and call frame information wait for their code. */
struct pending {
	uint32_t pid;
	uint64_t addr;
	struct jit_line *line;
	size_t n_lines, line_cap;
	const uint8_t *unwind;
	uint32_t unwind_bytes, hdr_bytes;
};

struct jit {
	enum machine machine;
	struct arena arena;
	struct code *code; /* from 1 */
	size_t n_codes, code_cap;
	struct program *program;
	size_t n_programs, program_cap;
	struct map by_pid; /* pid + 1 -> index + 1 */
	struct map loaded; /* hash of pid and start -> code last loaded there */
	struct life *life; /* from 1 */
	size_t n_lives, life_cap;
	struct map lives; /* pid + 1 -> its present life */
	struct pending pending[PENDING_MAX];
	uint32_t n_pending;
};

struct jit *jit_new(enum machine machine)
{
	struct jit *j = mem_zalloc(sizeof(*j));

	j->machine = machine;
	arena_init(&j->arena);
	map_init(&j->by_pid);
	map_init(&j->loaded);
	map_init(&j->lives);
	mem_grow(&j->code, &j->code_cap, 1, sizeof(*j->code));
	mem_grow(&j->life, &j->life_cap, 1, sizeof(*j->life));
	j->code[0] = (struct code){ .name = "" };
	j->life[0] = (struct life){ 0 };
	j->n_codes = j->n_lives = 1;
	return j;
}

void jit_free(struct jit *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < j->n_programs; i++) {
		timeline_done(&j->program[i].exact);
		timeline_done(&j->program[i].seen);
	}
	for (uint32_t i = 0; i < j->n_pending; i++)
		free(j->pending[i].line);
	free(j->code);
	free(j->program);
	free(j->life);
	map_done(&j->by_pid);
	map_done(&j->loaded);
	map_done(&j->lives);
	arena_done(&j->arena);
	free(j);
}

bool jit_is_empty(const struct jit *j)
{
	return j->n_codes == 1;
}

/* ---- adding ---- */

static struct program *find_program(const struct jit *j, uint32_t pid)
{
	uint64_t *at = map_find(&j->by_pid, (uint64_t)pid + 1);

	return at ? &j->program[*at - 1] : NULL;
}

static struct program *get_program(struct jit *j, uint32_t pid)
{
	struct program *p = find_program(j, pid);

	if (p)
		return p;
	mem_grow(&j->program, &j->program_cap, j->n_programs + 1, sizeof(*j->program));
	j->program[j->n_programs] = (struct program){ .pid = pid, .first_line = UINT64_MAX };
	*map_put(&j->by_pid, (uint64_t)pid + 1, NULL) = ++j->n_programs;
	return &j->program[j->n_programs - 1];
}

static bool is_full(const struct jit *j)
{
	return j->n_codes >= CODES_MAX || j->arena.total_bytes >= TEXT_BYTES_MAX;
}

static struct pending *find_pending(struct jit *j, uint32_t pid, uint64_t addr)
{
	for (uint32_t i = 0; i < j->n_pending; i++)
		if (j->pending[i].pid == pid && j->pending[i].addr == addr)
			return &j->pending[i];
	return NULL;
}

static void drop_pending(struct jit *j, struct pending *p)
{
	free(p->line);
	memmove(p, p + 1, (size_t)(&j->pending[--j->n_pending] - p) * sizeof(*p));
}

static struct pending *get_pending(struct jit *j, uint32_t pid, uint64_t addr)
{
	struct pending *p = find_pending(j, pid, addr);

	if (p)
		return p;
	if (j->n_pending == PENDING_MAX)
		drop_pending(j, &j->pending[0]); /* the oldest: its code was lost */
	j->pending[j->n_pending] = (struct pending){ .pid = pid, .addr = addr };
	return &j->pending[j->n_pending++];
}

static void add_lines(struct jit *j, const struct jit_record *r)
{
	struct pending *p = get_pending(j, r->pid, r->addr);
	const char *file = NULL, *copy = "";

	if (p->n_lines > CODE_LINES_MAX)
		return;
	mem_grow(&p->line, &p->line_cap, p->n_lines + r->n_lines, sizeof(*p->line));
	for (uint32_t i = 0; i < r->n_lines; i++) {
		struct jit_line *to = &p->line[p->n_lines++];

		if (r->line[i].file != file)
			copy = arena_strdup(&j->arena, r->line[i].file);
		file = r->line[i].file;
		*to = r->line[i];
		to->addr -= r->addr;
		to->file = copy;
	}
}

static void add_unwind(struct jit *j, const struct jit_record *r)
{
	struct pending *p = get_pending(j, r->pid, r->addr);
	uint8_t *bytes = arena_alloc(&j->arena, r->n_bytes + 1u);

	memcpy(bytes, r->bytes, r->n_bytes);
	p->unwind = bytes;
	p->unwind_bytes = r->n_bytes;
	p->hdr_bytes = r->hdr_bytes;
}

static int by_offset(const void *a, const void *b)
{
	const struct jit_line *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* If some lie outside of the code all are garbage: V8 writes such, with texts of freed memory. */
static void take_lines(struct jit *j, const struct pending *p, struct code *c)
{
	struct program *program = get_program(j, c->pid);

	for (size_t i = 0; i < p->n_lines; i++)
		if (p->line[i].addr > c->size + LINES_AFTER)
			return;
	if (!p->n_lines)
		return;
	c->line = arena_alloc(&j->arena, p->n_lines * sizeof(*c->line));
	memcpy(c->line, p->line, p->n_lines * sizeof(*c->line));
	c->n_lines = (uint32_t)p->n_lines;
	qsort(c->line, c->n_lines, sizeof(*c->line), by_offset);
	program->first_line = MIN(program->first_line, c->line[0].addr);
}

static void take_pending(struct jit *j, struct code *c)
{
	struct pending *p = find_pending(j, c->pid, c->start);

	if (!p)
		return;
	take_lines(j, p, c);
	c->unwind = p->unwind;
	c->unwind_off = ALIGN_UP(c->start + c->size, (uint64_t)8) - c->start;
	c->unwind_bytes = p->unwind_bytes;
	c->hdr_bytes = p->hdr_bytes;
	drop_pending(j, p);
}

static uint64_t place_key(uint32_t pid, uint64_t addr)
{
	return hash_u64(addr ^ (uint64_t)pid << 32 ^ pid) | 1;
}

static struct code *new_code(struct jit *j, const struct jit_record *r, const struct code *like)
{
	struct code c = *like;

	c.pid = r->pid;
	c.origin = r->origin;
	c.start = r->addr;
	c.size = r->size;
	c.time_ns = r->time_ns;
	c.image = NULL;
	mem_grow(&j->code, &j->code_cap, j->n_codes + 1, sizeof(*j->code));
	j->code[j->n_codes] = c;
	*map_put(&j->loaded, place_key(r->pid, r->addr), NULL) = j->n_codes;
	return &j->code[j->n_codes++];
}

static void add_span(struct jit *j, const struct jit_record *r, uint64_t start, size_t code)
{
	struct program *p = get_program(j, r->pid);
	bool exact = r->since_ns == r->time_ns;

	timeline_add(exact ? &p->exact : &p->seen,
		     &(struct timeline_span){ .start = start,
					      .end = start + r->size,
					      .born_ns = r->since_ns,
					      .code = (uint32_t)code });
}

static void add_load(struct jit *j, const struct jit_record *r)
{
	struct code like = { .name = arena_strdup(&j->arena, r->name) };

	take_pending(j, new_code(j, r, &like));
	add_span(j, r, r->addr, j->n_codes - 1);
}

/* What was at the old place is at the new one from now on, and nothing at the old one. */
static void add_move(struct jit *j, const struct jit_record *r)
{
	uint64_t *at = map_find(&j->loaded, place_key(r->pid, r->old_addr)), end;
	struct code like;

	if (!at || j->code[*at].pid != r->pid || j->code[*at].start != r->old_addr ||
	    __builtin_add_overflow(r->old_addr, r->size, &end))
		return;
	like = j->code[*at];
	new_code(j, r, &like);
	add_span(j, r, r->old_addr, 0);
	add_span(j, r, r->addr, j->n_codes - 1);
}

void jit_add(struct jit *j, const struct jit_record *r)
{
	if (is_full(j))
		return;
	if (r->kind == JIT_LOAD)
		add_load(j, r);
	else if (r->kind == JIT_MOVE)
		add_move(j, r);
	else if (r->kind == JIT_LINES)
		add_lines(j, r);
	else if (r->kind == JIT_UNWIND)
		add_unwind(j, r);
}

void jit_seal(struct jit *j)
{
	while (j->n_pending)
		drop_pending(j, &j->pending[0]);
	for (size_t i = 0; i < j->n_programs; i++) {
		timeline_seal(&j->program[i].exact);
		timeline_seal(&j->program[i].seen);
	}
}

/* ---- lives ---- */

static uint32_t find_life(const struct jit *j, uint32_t pid)
{
	uint64_t *at = map_find(&j->lives, (uint64_t)pid + 1);

	return at ? (uint32_t)*at : 0;
}

static uint32_t new_life(struct jit *j, uint32_t pid, uint64_t time_ns, uint32_t parent)
{
	mem_grow(&j->life, &j->life_cap, j->n_lives + 1, sizeof(*j->life));
	j->life[j->n_lives] = (struct life){ pid, time_ns, parent };
	*map_put(&j->lives, (uint64_t)pid + 1, NULL) = j->n_lives;
	return (uint32_t)j->n_lives++;
}

void jit_fork(struct jit *j, uint32_t pid, uint32_t child, uint64_t time_ns)
{
	uint32_t parent = find_life(j, pid);

	if (!parent && find_program(j, pid))
		parent = new_life(j, pid, 0, 0);
	if (parent || find_life(j, child) || find_program(j, child))
		new_life(j, child, time_ns, parent);
}

void jit_exec(struct jit *j, uint32_t pid, uint64_t time_ns)
{
	if (find_life(j, pid) || find_program(j, pid))
		new_life(j, pid, time_ns, 0);
}

uint32_t jit_changes(const struct jit *j)
{
	return (uint32_t)j->n_lives;
}

/* ---- questions ---- */

/* Of this life: neither of an older one under the same number. */
static uint32_t checked(const struct jit *j, const struct timeline_span *s, const struct life *l)
{
	return s && j->code[s->code].time_ns >= l->begin_ns ? s->code : JIT_NO_CODE;
}

static uint32_t find_in_life(const struct jit *j, const struct life *l, uint64_t addr,
			     uint64_t time_ns, uint32_t *ret_later, uint64_t *until_ns)
{
	const struct program *p = find_program(j, l->pid);
	struct timeline_answer exact, seen;
	uint32_t code;

	if (!p)
		return JIT_NO_CODE;
	exact = timeline_find(&p->exact, addr, time_ns);
	*until_ns = MIN(*until_ns, exact.until_ns);
	code = checked(j, exact.now, l);
	if (code)
		return code;
	seen = timeline_find(&p->seen, addr, time_ns);
	*until_ns = MIN(*until_ns, seen.until_ns);
	if (!*ret_later)
		*ret_later = checked(j, seen.later, l);
	return checked(j, seen.now, l);
}

uint32_t jit_find(struct jit *j, uint32_t pid, uint64_t addr, uint64_t time_ns,
		  uint64_t *ret_until_ns)
{
	uint32_t life = find_life(j, pid), later = 0, code;
	struct life unknown = { .pid = pid };
	const struct life *l = life ? &j->life[life] : &unknown;
	uint64_t *until_ns = ret_until_ns, always;

	*ret_until_ns = UINT64_MAX;
	for (int i = 0; i < ANCESTORS_MAX; i++) {
		code = find_in_life(j, l, addr, time_ns, &later, until_ns);
		if (code)
			return code;
		if (!l->parent)
			break;
		if (time_ns >= l->begin_ns) { /* what a parent had then changes no more */
			time_ns = l->begin_ns;
			until_ns = &always;
			always = UINT64_MAX;
		}
		l = &j->life[l->parent];
	}
	return later;
}

void jit_code(const struct jit *j, uint32_t code, struct jit_code *ret)
{
	const struct code *c = &j->code[code < j->n_codes ? code : 0];

	*ret = (struct jit_code){ .name = c->name,
				  .origin = c->origin,
				  .pid = c->pid,
				  .start = c->start,
				  .size = c->size };
}

bool jit_line(const struct jit *j, uint32_t code, uint64_t offset, struct jit_line *ret)
{
	const struct code *c = &j->code[code < j->n_codes ? code : 0];
	const struct program *p = find_program(j, c->pid);
	uint32_t lo = 0, hi = c->n_lines;

	if (p && p->first_line >= LINES_AFTER)
		offset += LINES_AFTER;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->line[mid].addr <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return false;
	*ret = c->line[lo - 1];
	return ret->line != 0;
}

const struct elf_image *jit_image(struct jit *j, uint32_t code)
{
	struct code *c = &j->code[code < j->n_codes ? code : 0];
	uint64_t addr = c->start + c->unwind_off;
	uint32_t n = c->unwind_bytes - c->hdr_bytes;

	if (c->image || !n)
		return c->image;
	c->image = arena_zalloc(&j->arena, sizeof(*c->image));
	c->image->machine = j->machine;
	c->image->elf_type = ET_DYN;
	c->image->n_loads = 1;
	c->image->load[0] = (struct elf_load){
		.addr = c->start, .mem_size = c->size, .file_size = c->size, .flags = PF_R | PF_X
	};
	c->image->part[c->image->n_parts++] = (struct elf_part){
		.kind = ELF_PART_EH_FRAME, .addr = addr, .size = n, .data = c->unwind
	};
	return c->image;
}
