/*
 * man/ddprof.data.5 is right: its hex examples are taken out of the page itself and decoded, and
 * what they say they mean is compared. Every example of the page has its test here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/format/chunk.h"
#include "common/format/file.h"
#include "common/format/jit.h"
#include "common/format/object.h"
#include "common/format/record.h"
#include "tests/unit/check.h"

enum { EXAMPLE_BYTES = 512, PAGE_BYTES = 1 << 20 };

struct example {
	uint8_t bytes[EXAMPLE_BYTES];
	size_t n;
};

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* "02 01 e8 07   Mmap, ..." -> 4 bytes: pairs of digits with one blank between them. */
static void take_line(const char *line, struct example *ret)
{
	for (;; line++) {
		int hi = hex_digit(line[0]), lo = hi < 0 ? -1 : hex_digit(line[1]);

		if (lo < 0 || (line[2] != ' ' && line[2] != '\n') || ret->n == EXAMPLE_BYTES)
			return;
		ret->bytes[ret->n++] = (uint8_t)(hi << 4 | lo);
		line += 2;
		if (*line == '\n')
			return;
	}
}

static char *page(void)
{
	struct err err = { 0 };
	char *text;

	REQUIRE_TRUE(io_read_file(check_source_path("man/ddprof.data.5"), PAGE_BYTES, &text, NULL,
				  &err) == 0,
		     "%s", err.text);
	return text;
}

/* The block after the line `.\" hex NAME`. */
static struct example example(const char *name)
{
	char title[64], *text = page(), *at;
	struct example e = { .n = 0 };

	snprintf(title, sizeof(title), "\n.\\\" hex %s\n.Bd ", name);
	at = strstr(text, title);
	REQUIRE_TRUE(at != NULL, "no example '%s' in the page", name);
	for (at = strchr(at + strlen(title), '\n') + 1; strncmp(at, ".Ed", 3);
	     at = strchr(at, '\n') + 1)
		take_line(at, &e);
	free(text);
	return e;
}

static void file_header(void)
{
	struct example e = example("file-header");
	struct file_header h;

	REQUIRE_INT(e.n, FILE_HEADER_BYTES);
	REQUIRE_TRUE(file_header_get(e.bytes, &h));
	CHECK_UINT(h.major, 1);
	CHECK_UINT(h.minor, 3);
	CHECK_UINT(h.file_id, 0x1122334455667788);
}

/* ---- records ---- */

static struct example records;
static struct record_decoder *decoder;
static struct record got;

static void records_begin(const char *name)
{
	struct chunk_header h = { 0 };

	records = example(name);
	decoder = record_decoder_new(MACHINE_AARCH64); /* the bytes say it better */
	record_decoder_begin(decoder, &h, records.bytes, records.n);
}

static const struct event *next_event(enum event_type type, uint64_t time_ns, uint32_t pid,
				      uint32_t tid, uint32_t cpu)
{
	struct err err = { 0 };

	if (record_decoder_next(decoder, &got, &err) != RECORD_EVENT) {
		REQUIRE_TRUE(false, "%s", err.text);
	}
	CHECK_INT(got.event.type, type);
	CHECK_UINT(got.event.time_ns, time_ns);
	CHECK_UINT(got.event.pid, pid);
	CHECK_UINT(got.event.tid, tid);
	CHECK_UINT(got.event.cpu, cpu);
	return &got.event;
}

static void records_end(void)
{
	CHECK_INT(record_decoder_next(decoder, &got, NULL), RECORD_END);
	CHECK_INT(record_decoder_machine(decoder), MACHINE_X86_64);
	record_decoder_free(decoder);
}

static void file_and_chunk(void)
{
	struct example header = example("file-header"), body = example("chunk");
	struct chunk_reader *r;
	struct chunk chunk;
	struct err err = { 0 };
	int fd = memfd_create("page", MFD_CLOEXEC);

	REQUIRE_INT(io_write(fd, header.bytes, header.n, NULL), 0);
	REQUIRE_INT(io_write(fd, body.bytes, body.n, NULL), 0);
	REQUIRE_INT(chunk_reader_open(fd, &r, &err), 0);
	CHECK_TRUE(chunk_reader_file_header_ok(r));
	REQUIRE_INT(chunk_reader_next(r, &chunk), CHUNK_READ_OK);
	CHECK_INT(chunk.header.type, CHUNK_EVENTS);
	CHECK_UINT(chunk.header.flags, 0);
	CHECK_UINT(chunk.header.raw_bytes, 7);
	CHECK_UINT(chunk.header.stored_bytes, 16);
	CHECK_UINT(chunk.header.n_records, 1);
	CHECK_UINT(chunk.header.sequence, 0);
	CHECK_UINT(chunk.header.first_ns, 9);
	CHECK_UINT(chunk.header.last_ns, 9);
	CHECK_UINT(chunk.header.tag, 0);
	REQUIRE_TRUE(chunk_reader_load(r, &chunk, &err) == 0, "%s", err.text);
	records = example("exit");
	CHECK_UINT(records.n, 7);
	CHECK_MEM(chunk.raw, records.bytes, 7);
	CHECK_INT(chunk_reader_next(r, &chunk), CHUNK_READ_END);
	chunk_reader_free(r);
	close(fd);
}

static void exits(void)
{
	records_begin("exit");
	next_event(EVENT_EXIT, 9, 1200, 1202, 0);
	records_end();
}

static void comms(void)
{
	const struct event *e;

	records_begin("comm");
	e = next_event(EVENT_COMM, 5000, 1200, 1200, 1);
	CHECK_TRUE(e->comm.exec);
	CHECK_STR(e->comm.comm, "sh");
	e = next_event(EVENT_COMM, 5100, 1200, 1203, 1);
	CHECK_TRUE(!e->comm.exec);
	CHECK_STR(e->comm.comm, "io");
	records_end();
}

static void forks(void)
{
	const struct event *e;

	records_begin("fork");
	e = next_event(EVENT_FORK, 100, 1201, 1201, 0);
	CHECK_UINT(e->fork.ppid, 1200);
	CHECK_UINT(e->fork.ptid, 1200);
	e = next_event(EVENT_FORK, 300, 1200, 1202, 0);
	CHECK_UINT(e->fork.ppid, 1200);
	CHECK_UINT(e->fork.ptid, 1200);
	records_end();
}

static void snapshots(void)
{
	records_begin("space");
	next_event(EVENT_SPACE, 9, 1200, 1200, 0);
	records_end();
}

static void check_mmap(const struct event *e, uint64_t start, uint64_t size, uint64_t pgoff,
		       const char *path)
{
	CHECK_UINT(e->mmap.start, start);
	CHECK_UINT(e->mmap.size, size);
	CHECK_UINT(e->mmap.pgoff, pgoff);
	CHECK_STR(e->mmap.path, path);
}

static void mmaps(void)
{
	static const uint8_t id[] = { 0xde, 0xad, 0xbe, 0xef };
	const struct event *e;

	records_begin("mmap");
	e = next_event(EVENT_MMAP, 6000, 1200, 1200, 1);
	check_mmap(e, 0x55d0c0001000, 0x3000, 0x1000, "/bin/sh");
	CHECK_UINT(e->mmap.build_id.n, 4);
	CHECK_MEM(e->mmap.build_id.bytes, id, 4);
	e = next_event(EVENT_MMAP, 6500, 1200, 1200, 1);
	check_mmap(e, 0x55d0c0005010, 32, 0, "/x");
	CHECK_UINT(e->mmap.build_id.n, 0);
	CHECK_UINT(e->mmap.maj, 8);
	CHECK_UINT(e->mmap.min, 1);
	CHECK_UINT(e->mmap.ino, 77);
	e = next_event(EVENT_MMAP, 7000, 1201, 1201, 1);
	check_mmap(e, 0x55d0c1001000, 0x3000, 0x1000, "/bin/sh");
	records_end();
}

static void losses(void)
{
	const struct event *e;

	records_begin("lost");
	e = next_event(EVENT_LOST, 9, 0, 0, 0);
	CHECK_UINT(e->lost.source, 0);
	CHECK_UINT(e->lost.n, 300);
	records_end();
	records_begin("throttle");
	e = next_event(EVENT_THROTTLE, 9, 0, 0, 3);
	CHECK_TRUE(e->throttle.on);
	CHECK_UINT(e->throttle.source, 0);
	records_end();
}

static void facts(void)
{
	records_begin("source");
	REQUIRE_INT(record_decoder_next(decoder, &got, NULL), RECORD_SOURCE);
	CHECK_UINT(got.source_index, 0);
	CHECK_STR(got.source.name, "sCPU");
	CHECK_STR(got.source.unit, "nanoseconds");
	CHECK_UINT(got.source.frequency_hz, 99);
	CHECK_UINT(got.source.period, 0);
	records_end();
	records_begin("counters");
	REQUIRE_INT(record_decoder_next(decoder, &got, NULL), RECORD_COUNTERS);
	CHECK_UINT(got.counters.n[COUNTER_SAMPLES_STORED], 300);
	CHECK_UINT(got.counters.n[COUNTER_SAMPLES_LOST_KERNEL], 2);
	for (unsigned int i = 2; i < COUNTERS; i++)
		CHECK_UINT(got.counters.n[i], 0);
	CHECK_UINT(COUNTERS, 18);
	records_end();
}

static void unsampled(void)
{
	records_begin("unsampled");
	REQUIRE_INT(record_decoder_next(decoder, &got, NULL), RECORD_UNSAMPLED);
	CHECK_UINT(got.unsampled.reason, UNSAMPLED_SETUID);
	CHECK_UINT(got.unsampled.n, 3);
	CHECK_STR(got.unsampled.name, "sudo");
	REQUIRE_INT(record_decoder_next(decoder, &got, NULL), RECORD_UNSAMPLED);
	CHECK_UINT(got.unsampled.reason, UNSAMPLED_UNKNOWN);
	CHECK_UINT(got.unsampled.n, 2);
	CHECK_STR(got.unsampled.name, "");
	records_end();
}

static void check_words(const struct event_sample *s, const struct stack_word *want, uint32_t n)
{
	REQUIRE_INT(s->n_words, n);
	for (uint32_t i = 0; i < n; i++) {
		CHECK_UINT(s->words[i].addr, want[i].addr);
		CHECK_UINT(s->words[i].value, want[i].value);
	}
}

static void samples(void)
{
	static const struct stack_word first[] = {
		{ 0x7ffc00001028, 0x7ffc00001100 },
		{ 0x7ffc00001020, 0x55d0c0001234 },
		{ 0x7ffc00001008, 0x7ffc00001020 },
	};
	static const struct stack_word second[] = {
		{ 0x7ffc00001028, 0x7ffc00001100 },
		{ 0x7ffc00001020, 0x55d0c0001234 },
		{ 0x7ffc00001010, 0x55d0c0001240 },
	};
	const struct event_sample *s;

	records_begin("sample");
	check_mmap(next_event(EVENT_MMAP, 1000000, 1200, 1200, 1), 0x55d0c0001000, 0x3000, 0x1000,
		   "/a");
	s = &next_event(EVENT_SAMPLE, 2000000, 1200, 1200, 1)->sample;
	CHECK_TRUE(s->user && s->in_kernel && !s->stack_cut && !s->stack_dropped && !s->compat);
	CHECK_UINT(s->source, 0);
	CHECK_UINT(s->period, 1001001);
	REQUIRE_INT(s->n_kchain, 2);
	CHECK_UINT(s->kchain[0], 0xffffffff81000010);
	CHECK_UINT(s->kchain[1], 0xffffffff81000200);
	CHECK_UINT(s->ip, 0xffffffff81000010);
	CHECK_UINT(s->regs.mask, 1 << X86_RBP | 1 << X86_RSP | 1 << X86_PC);
	CHECK_UINT(s->regs.value[X86_RBP], 0x7ffc00001020);
	CHECK_UINT(s->regs.value[X86_RSP], 0x7ffc00001000);
	CHECK_UINT(s->regs.value[X86_PC], 0x55d0c0001300);
	CHECK_UINT(s->stack_bytes, 0x48);
	check_words(s, first, N_ELEMENTS(first));
	s = &next_event(EVENT_SAMPLE, 2000000 + 1001001 + 50, 1200, 1200, 1)->sample;
	CHECK_TRUE(s->user && !s->in_kernel && !s->n_kchain);
	CHECK_UINT(s->period, 1001001);
	CHECK_UINT(s->ip, 0x55d0c0001300);
	CHECK_UINT(s->regs.mask, 1 << X86_RSP | 1 << X86_PC);
	CHECK_UINT(s->regs.value[X86_RSP], 0x7ffc00001008);
	CHECK_UINT(s->stack_bytes, 0x40);
	check_words(s, second, N_ELEMENTS(second));
	CHECK_UINT(s->view.floor, 0x7ffc00001018);
	s = &next_event(EVENT_SAMPLE, 2000000 + 2 * 1001001 + 50, 1200, 1200, 1)->sample;
	CHECK_TRUE(!s->user && s->in_kernel && s->compat);
	CHECK_UINT(s->ip, 0);
	CHECK_UINT(s->stack_bytes, 0);
	records_end();
}

static void chains(void)
{
	static const uint64_t first[] = { 0x1010, 0x1000 }, second[] = { 0x1004, 0x1000 };
	const struct event_sample *s;

	records_begin("chain");
	s = &next_event(EVENT_SAMPLE, 9, 1200, 1200, 1)->sample;
	CHECK_UINT(s->ip, 0x1010);
	REQUIRE_INT(s->n_uchain, 2);
	CHECK_MEM(s->uchain, first, sizeof(first));
	s = &next_event(EVENT_SAMPLE, 110, 1200, 1200, 1)->sample;
	CHECK_UINT(s->ip, 0x1004);
	REQUIRE_INT(s->n_uchain, 2);
	CHECK_MEM(s->uchain, second, sizeof(second));
	records_end();
}

static void switches(void)
{
	records_begin("switch");
	CHECK_INT(next_event(EVENT_SWITCH, 1000, 1200, 1202, 1)->switched.kind, SWITCH_OUT_ASLEEP);
	CHECK_INT(next_event(EVENT_SWITCH, 1100, 0, 1202, 1)->switched.kind, SWITCH_WOKEN);
	CHECK_INT(next_event(EVENT_SWITCH, 1300, 1200, 1202, 1)->switched.kind, SWITCH_IN);
	records_end();
}

static void governed(void)
{
	const struct event_governed *g;

	records_begin("governed");
	g = &next_event(EVENT_GOVERNED, 1000, 0, 0, 0)->governed;
	CHECK_UINT(g->stack_bytes, 4096);
	CHECK_UINT(g->off, 2);
	records_end();
}

/* ---- the other chunks ---- */

static unsigned int n_pieces;

static int got_object(void *ctx, const struct object_piece *p)
{
	static const uint8_t id[] = { 0xde, 0xad, 0xbe, 0xef }, code[] = { 0x31, 0xed, 0x49, 0x89 };

	(void)ctx;
	CHECK_STR(p->key.path, "/bin/sh");
	CHECK_UINT(p->key.build_id.n, 4);
	CHECK_MEM(p->key.build_id.bytes, id, 4);
	if (n_pieces++ == 0) {
		REQUIRE_TRUE(p->header && p->part_index == UINT32_MAX);
		CHECK_INT(p->header->machine, MACHINE_X86_64);
		CHECK_UINT(p->header->elf_type, 3);
		CHECK_UINT(p->header->entry, 0x1040);
		REQUIRE_INT(p->header->n_loads, 1);
		CHECK_UINT(p->header->load[0].file_off, 0x1000);
		CHECK_UINT(p->header->load[0].mem_size, 0x2000);
		CHECK_UINT(p->header->load[0].flags, 5);
		REQUIRE_INT(p->header->n_parts, 2);
		CHECK_INT(p->header->part[0].kind, ELF_PART_EH_FRAME);
		CHECK_UINT(p->header->part[0].addr, 0x3000);
		CHECK_UINT(p->header->part[0].size, 144);
		CHECK_INT(p->header->part[1].kind, ELF_PART_CODE);
		return 0;
	}
	CHECK_UINT(p->part_index, 1);
	CHECK_UINT(p->off, 0);
	REQUIRE_INT(p->n, 4);
	CHECK_MEM(p->bytes, code, 4);
	return 0;
}

static int got_reason(void *ctx, const struct object_piece *p)
{
	(void)ctx;
	n_pieces++;
	CHECK_STR(p->reason, "gone");
	CHECK_STR(p->key.path, "/x");
	CHECK_UINT(p->key.maj, 8);
	CHECK_UINT(p->key.min, 1);
	CHECK_UINT(p->key.ino, 77);
	CHECK_TRUE(!p->header && p->part_index == UINT32_MAX);
	CHECK_UINT(object_tag(&p->key), 0x7d64e07b49caeb2);
	return 0;
}

static void objects(void)
{
	struct example e = example("object");

	CHECK_INT(object_decode(e.bytes, e.n, got_object, NULL, NULL), 0);
	CHECK_UINT(n_pieces, 2);
	e = example("reason");
	CHECK_INT(object_decode(e.bytes, e.n, got_reason, NULL, NULL), 0);
	CHECK_UINT(n_pieces, 3);
}

static int got_symbol(void *ctx, const struct kernel_symbol *s)
{
	static const struct kernel_symbol want[] = {
		{ 0xffffffff81000000, "_text", "" },
		{ 0xffffffff81000040, "start", "" },
		{ 0xffffffffc0000000, "probe", "ext4" },
	};
	unsigned int *n = ctx;

	REQUIRE_TRUE(*n < N_ELEMENTS(want));
	CHECK_UINT(s->addr, want[*n].addr);
	CHECK_STR(s->name, want[*n].name);
	CHECK_STR(s->module, want[*n].module);
	++*n;
	return 0;
}

static void kernel_symbols(void)
{
	struct example e = example("kernel");
	unsigned int n = 0;

	CHECK_INT(kernel_decode(e.bytes, e.n, got_symbol, &n, NULL), 0);
	CHECK_UINT(n, 3);
}

static int got_pair(void *ctx, const char *key, const char *value)
{
	unsigned int *n = ctx;

	CHECK_STR(key, *n ? "argv" : "stacks");
	CHECK_STR(value, *n ? "no" : "scrubbed");
	++*n;
	return 0;
}

static void manifest(void)
{
	struct example e = example("manifest");
	unsigned int n = 0;

	CHECK_INT(manifest_decode(e.bytes, e.n, got_pair, &n, NULL), 0);
	CHECK_UINT(n, 2);
}

static int got_code(void *ctx, const struct jit_record *r)
{
	static const enum jit_kind kinds[] = { JIT_LOAD, JIT_LINES, JIT_UNWIND,
					       JIT_LOAD, JIT_MOVE,  JIT_NOTE };
	static const uint64_t addr[] = { 0x1000, 0x2000, 0x2000, 0x2000, 0x3000, 0 };
	static const uint8_t frames[] = { 0xaa, 0xbb, 0xcc };
	unsigned int *n = ctx;

	REQUIRE_TRUE(*n < N_ELEMENTS(kinds));
	CHECK_INT(r->kind, kinds[*n]);
	CHECK_UINT(r->addr, addr[*n]);
	CHECK_UINT(r->pid, r->kind == JIT_NOTE ? 1201 : 1200);
	switch ((*n)++) {
	case 0:
		CHECK_INT(r->origin, JIT_FROM_PERF_MAP);
		CHECK_UINT(r->time_ns, 5000);
		CHECK_UINT(r->since_ns, 3000);
		CHECK_UINT(r->size, 32);
		CHECK_STR(r->name, "f");
		break;
	case 1:
		REQUIRE_INT(r->n_lines, 2);
		CHECK_UINT(r->line[0].addr, 0x2004);
		CHECK_UINT(r->line[0].line, 3);
		CHECK_UINT(r->line[0].column, 1);
		CHECK_UINT(r->line[1].addr, 0x2010);
		CHECK_UINT(r->line[1].line, 4);
		CHECK_STR(r->line[1].file, "a.js");
		break;
	case 2:
		REQUIRE_INT(r->n_bytes, 3);
		CHECK_UINT(r->hdr_bytes, 1);
		CHECK_MEM(r->bytes, frames, 3);
		break;
	case 3:
		CHECK_INT(r->origin, JIT_FROM_JITDUMP);
		CHECK_UINT(r->time_ns, 5100);
		CHECK_UINT(r->since_ns, 5100);
		CHECK_UINT(r->index, 7);
		CHECK_STR(r->name, "g");
		break;
	case 4:
		CHECK_UINT(r->time_ns, 5200);
		CHECK_UINT(r->old_addr, 0x2000);
		break;
	default:
		CHECK_STR(r->name, "no");
	}
	return 0;
}

static void made_code(void)
{
	struct example e = example("jit");
	unsigned int n = 0;

	CHECK_INT(jit_decode(e.bytes, e.n, got_code, &n, NULL), 0);
	CHECK_UINT(n, 6);
}

static void every_example(void)
{
	static const char *const tested[] = {
		"file-header", "chunk",	   "exit",   "comm",	 "fork",     "space", "mmap",
		"lost",	       "throttle", "source", "counters", "sample",   "chain", "switch",
		"unsampled",   "governed", "object",   "reason", "kernel",	 "manifest", "jit",
	};
	char *text = page();
	size_t n = 0;

	for (char *at = text; (at = strstr(at, "\n.\\\" hex ")); at++)
		n++;
	CHECK_UINT(n, N_ELEMENTS(tested));
	for (size_t i = 0; i < N_ELEMENTS(tested); i++)
		CHECK_TRUE(example(tested[i]).n > 0);
	free(text);
}

SUITE(format_page, { "the page's file header is one", file_header },
      { "the page's file of one chunk is read", file_and_chunk }, { "the page's Exit", exits },
      { "the page's Comms", comms }, { "the page's Forks, of a process and of a thread", forks },
      { "the page's Space", snapshots }, { "the page's Mmaps", mmaps },
      { "the page's Lost and Throttle", losses }, { "the page's Source and Counters", facts },
      { "the page's Unsampled", unsampled }, { "the page's Samples", samples },
      { "the page's Chains", chains }, { "the page's Switches", switches },
      { "the page's Governed", governed },
      { "the page's objects", objects }, { "the page's kernel symbols", kernel_symbols },
      { "the page's manifest", manifest }, { "the page's code made at run time", made_code },
      { "every example of the page has a test", every_example }, )
