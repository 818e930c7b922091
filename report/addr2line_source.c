/*
 * The file is parsed in the jail. The child opens it, asks for another file when this one has no
 * debug information, and then answers: all addresses at once (batch), or those that it gets for
 * asking (talk). What it says begins with the place of the section that addresses are relative to.
 *
 *	result   head | answers (report/symbol/answer.h)
 *	NEXT     kind, more | a piece of a result        ->  addresses; none: it is over
 *	DEBUG    kind                                    ->  an open file, or none
 *	below SUPPLY_KIND_END: a file that debug information names (report/symbol/supply.h)
 */
#include "report/addr2line.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/elf/image.h"
#include "report/dwarf/dwarf.h"
#include "report/dwarf/sections.h"
#include "report/jail/jail.h"
#include "report/symbol/supply.h"

enum {
	ASK_NEXT = SUPPLY_KIND_END,
	ASK_DEBUG,
	TALK_ADDRESSES_MAX = 1024,
	RESULT_BYTES_MAX = 256 << 20, /* of one answer; what is longer is cut, and so damaged */
	LIVES_MAX = 3, /* children that ended one after the other without an answer */
};

struct question {
	uint32_t kind;
	uint32_t more; /* the result goes on in the next question */
};

struct head {
	uint64_t base;	/* added to each address */
	uint64_t limit; /* addresses from here on are outside */
};

struct addr2line_source {
	const struct addr2line_file *file;
	int fd;
	uint64_t size;
	struct debug *debug; /* opened when first asked for */
	bool debug_tried;
	char *path; /* of the file, absolute: what it names lies beside it */
	struct object_key key;
	struct debug_file beside; /* the file that is read: ours, or one found for it */
	struct supply supply;
	uint64_t *wanted; /* sorted, no two equal */
	size_t n_wanted;
	/* the last result, 8-aligned */
	struct buf bytes;
	struct head head;
	int status;
	struct err err;
	/* a conversation */
	addr2line_next *next;
	addr2line_got *got;
	void *ctx;
	uint64_t *pending; /* asked, not answered */
	size_t n_pending;
	bool over;
	unsigned int n_answers; /* of this child */
	bool asked;		/* this child was given addresses */
};

/* ---- in the child ---- */

struct engine {
	struct addr2line_source *source;
	struct jail_cell *cell;
	struct dwarf *dwarf;
	struct head head;
};

static int find_head(struct engine *e, struct sections *sections, struct err *err)
{
	const char *name = e->source->file->section;
	uint64_t addr, size;

	e->head = (struct head){ 0, UINT64_MAX };
	if (!name)
		return 0;
	if (!sections_find(sections, name, &addr, &size))
		return err_set(err, -ENOENT, "cannot find section %s", name);
	e->head = (struct head){ addr, size };
	return 0;
}

static int ask_debug(struct engine *e)
{
	struct question q = { .kind = ASK_DEBUG };
	char answer[8];
	size_t n;
	int fd = -1;

	if (jail_ask(e->cell, &q, sizeof(q), answer, sizeof(answer), &n, &fd, NULL) < 0)
		return -1;
	return fd;
}

static int open_dwarf(struct engine *e, int fd, struct err *err)
{
	struct dwarf_input in = {
		.fd = fd,
		.name = e->source->file->path,
		.supply = supply_ask,
		.supply_ctx = e->cell,
		.discriminators = true,
	};

	return dwarf_open(&in, &e->dwarf, err);
}

static int engine_open(struct engine *e, struct err *err)
{
	struct sections *sections;
	int fd = e->source->fd, other = -1, status;
	bool has_info;

	status = sections_open(fd, false, &sections, err);
	if (status < 0)
		return status;
	status = find_head(e, sections, err);
	has_info = sections_has(sections, SECTION_INFO) || sections_has(sections, SECTION_LINE);
	sections_close(sections);
	if (status < 0)
		return status;
	if (!has_info)
		other = ask_debug(e);
	status = open_dwarf(e, other >= 0 ? other : fd, err);
	if (status < 0 && other >= 0)
		status = open_dwarf(e, fd, err);
	return status;
}

/* Addresses of the user -> as linked, those outside left out. */
static size_t shift(const struct head *head, const uint64_t *addr, size_t n, uint64_t *ret)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (addr[i] < head->limit &&
		    !__builtin_add_overflow(addr[i], head->base, &ret[kept]))
			kept++;
	return kept;
}

static int engine_answer(struct engine *e, const uint64_t *addr, size_t n, struct buf *ret,
			 struct err *err)
{
	struct answers_builder *b = answers_builder_new();
	AUTO_FREE uint64_t *shifted = mem_alloc((n + 1) * sizeof(*shifted));
	size_t n_shifted = shift(&e->head, addr, n, shifted);
	int status = dwarf_answer(e->dwarf, shifted, (uint32_t)n_shifted, b, err);

	if (status == 0)
		answers_finish(b, ret);
	answers_builder_free(b);
	return status;
}

/*
 * A file without anything to know from is no reason to end: each address is unknown. binutils says
 * so too.
 */
static int answer_nothing(struct buf *ret)
{
	struct answers_builder *b = answers_builder_new();

	answers_finish(b, ret);
	answers_builder_free(b);
	return 0;
}

static int batch_body(void *ctx, struct jail_cell *cell, struct err *err)
{
	struct addr2line_source *s = ctx;
	struct engine e = { .source = s, .cell = cell };
	struct buf bytes;
	int status = engine_open(&e, err);

	buf_init(&bytes);
	if (status == -ENODATA)
		status = answer_nothing(&bytes);
	else if (status == 0)
		status = engine_answer(&e, s->wanted, s->n_wanted, &bytes, err);
	if (status == 0)
		status = jail_write(cell, &e.head, sizeof(e.head), err);
	if (status == 0)
		status = jail_write(cell, bytes.data, bytes.n, err);
	return status;
}

/* Sends what was answered, in pieces, and gets the next addresses: their number in *ret_n. */
static int tell(struct engine *e, const struct buf *bytes, uint64_t *addr, size_t *ret_n,
		struct err *err)
{
	AUTO_FREE uint8_t *message = mem_alloc(JAIL_ASK_MAX);
	size_t at = 0, n_answer;
	int fd, status;

	do {
		size_t piece = MIN(bytes->n - at, JAIL_ASK_MAX - sizeof(struct question));
		struct question q = { ASK_NEXT, at + piece < bytes->n };

		memcpy(message, &q, sizeof(q));
		if (piece)
			memcpy(message + sizeof(q), bytes->data + at, piece);
		status = jail_ask(e->cell, message, sizeof(q) + piece, addr,
				  TALK_ADDRESSES_MAX * sizeof(*addr), &n_answer, &fd, err);
		at += piece;
	} while (status == 0 && at < bytes->n);
	*ret_n = status == 0 ? n_answer / sizeof(*addr) : 0;
	return status;
}

static int talk_body(void *ctx, struct jail_cell *cell, struct err *err)
{
	struct engine e = { .source = ctx, .cell = cell };
	uint64_t addr[TALK_ADDRESSES_MAX];
	struct buf bytes, answers;
	size_t n;
	int status = engine_open(&e, err);
	bool nothing = status == -ENODATA;

	if (status < 0 && !nothing)
		return status;
	buf_init(&bytes);
	buf_init(&answers);
	for (;;) {
		status = tell(&e, &bytes, addr, &n, err);
		if (status < 0 || !n)
			return status;
		buf_reset(&bytes);
		buf_put(&bytes, &e.head, sizeof(e.head));
		/* finished answers begin their buffer */
		status = nothing ? answer_nothing(&answers) :
				   engine_answer(&e, addr, n, &answers, err);
		if (status < 0)
			return status;
		buf_put(&bytes, answers.data, answers.n);
	}
}

/* ---- in the parent ---- */

int addr2line_source_open(const struct addr2line_file *file, struct addr2line_source **ret,
			  struct err *err)
{
	struct addr2line_source *s;
	struct stat st;
	/* a FIFO must not be waited for */
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_set(err, -errno, "'%s': %s", file->path,
			       errno == ENOENT ? "No such file" : strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, -EINVAL, "'%s' is not a regular file", file->path);
	}
	s = mem_zalloc(sizeof(*s));
	s->file = file;
	s->fd = fd;
	s->size = (uint64_t)st.st_size;
	s->path = realpath(file->path, NULL);
	s->key.path = s->path;
	s->beside.fd = -1;
	buf_init(&s->bytes);
	*ret = s;
	return 0;
}

void addr2line_source_close(struct addr2line_source *s)
{
	if (!s)
		return;
	close(s->fd);
	debug_file_done(&s->beside);
	debug_close(s->debug);
	buf_done(&s->bytes);
	free(s->path);
	free(s->wanted);
	free(s->pending);
	free(s);
}

/* False: nothing can be looked for. */
static bool debug_ready(struct addr2line_source *s)
{
	struct err err = { 0 };

	if (!s->debug_tried && debug_open(&s->file->debug, &s->debug, &err) < 0)
		log_warning("%s", err.text);
	s->debug_tried = true;
	return s->debug && s->path;
}

/* The file with debug information that belongs to ours, by build-id; -1: none. */
static int find_debug(struct addr2line_source *s)
{
	struct debug_file found;

	if (!debug_ready(s) || elf_build_id(s->fd, &s->key.build_id, NULL) < 0 ||
	    debug_find(s->debug, &s->key, &found, NULL) < 0)
		return -1;
	debug_file_done(&s->beside);
	s->beside = found;
	return fcntl(found.fd, F_DUPFD_CLOEXEC, 0);
}

/* A file that debug information names: .dwo, .dwp, dwz's alternate; -1: none. */
static int find_named(struct addr2line_source *s, const void *question, size_t n)
{
	if (!debug_ready(s))
		return -1;
	if (!s->beside.where)
		s->beside.where = strdup(s->path);
	s->supply.debug = s->debug;
	s->supply.key = &s->key;
	s->supply.beside = &s->beside;
	return supply_answer(&s->supply, question, n);
}

/* Takes one whole result apart. */
static int open_result(struct addr2line_source *s, struct answers *ret, struct err *err)
{
	if (s->bytes.n < sizeof(s->head))
		return err_set(err, -EBADMSG, "no result");
	memcpy(&s->head, s->bytes.data, sizeof(s->head));
	return answers_open(s->bytes.data + sizeof(s->head), s->bytes.n - sizeof(s->head), ret,
			    err);
}

/* Each address in the result; by halves, as a conversation has few and batches are joined. */
static void look_up(const struct addr2line_source *s, const struct answers *a, const uint64_t *addr,
		    size_t n, uint32_t *ret_first)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t at;
		uint32_t entry;

		ret_first[i] = ANSWER_NONE;
		if (addr[i] < s->head.limit &&
		    !__builtin_add_overflow(addr[i], s->head.base, &at) &&
		    answers_find(a, at, &entry))
			ret_first[i] = a->first[entry];
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static size_t sort_unique(uint64_t *addr, size_t n)
{
	size_t kept = 0;

	qsort(addr, n, sizeof(*addr), compare);
	for (size_t i = 0; i < n; i++)
		if (!kept || addr[i] != addr[kept - 1])
			addr[kept++] = addr[i];
	return kept;
}

static void answer(void *ctx, const void *question, size_t n, void *answer, size_t *ret_n,
		   int *ret_fd);

static void done(void *ctx, int status, const struct err *err, const void *out, size_t n)
{
	struct addr2line_source *s = ctx;

	s->status = status;
	if (status < 0)
		s->err = *err;
	else if (n)
		buf_put(&s->bytes, out, n);
}

static void run(struct addr2line_source *s, bool talk)
{
	struct jail_job job = {
		.what = s->file->path,
		.limits = jail_limits_for(s->size),
		.fd = &s->fd,
		.n_fds = 1,
		.ctx = s,
		.body = talk ? talk_body : batch_body,
		.answer = answer,
		.done = done,
	};

	job.limits.renewed = talk;
	buf_reset(&s->bytes);
	jail_run(&job, NULL);
}

int addr2line_source_answer(struct addr2line_source *s, const uint64_t *addr, size_t n,
			    struct answers *ret, uint32_t *ret_first, struct err *err)
{
	int status;

	s->wanted = mem_realloc(s->wanted, (n + 1) * sizeof(*addr));
	memcpy(s->wanted, addr, n * sizeof(*addr));
	s->n_wanted = sort_unique(s->wanted, n);
	run(s, false);
	if (s->status < 0) {
		*err = s->err;
		return s->status;
	}
	status = open_result(s, ret, err);
	if (status == 0)
		look_up(s, ret, addr, n, ret_first);
	return status;
}

/* ---- a conversation ---- */

static void hand_out(struct addr2line_source *s, int status, const struct err *err)
{
	uint32_t first[TALK_ADDRESSES_MAX];
	struct answers answers = { 0 };
	struct err damage = { 0 };

	if (status == 0) {
		status = open_result(s, &answers, &damage);
		err = &damage;
	}
	for (size_t i = 0; i < s->n_pending; i++)
		first[i] = ANSWER_NONE;
	if (status == 0)
		look_up(s, &answers, s->pending, s->n_pending, first);
	s->got(s->ctx, s->pending, s->n_pending, status < 0 ? NULL : &answers, first, status, err);
	s->n_pending = 0;
}

static void answer_next(struct addr2line_source *s, const uint8_t *piece, size_t n, bool more,
			void *answer, size_t *ret_n)
{
	*ret_n = 0;
	if (s->bytes.n < RESULT_BYTES_MAX)
		buf_put(&s->bytes, piece, n);
	if (more)
		return;
	/* empty: a child's first words, which may be about what another one left */
	if (s->bytes.n) {
		hand_out(s, 0, NULL);
		buf_reset(&s->bytes);
		s->n_answers++;
	} else if (s->asked) {
		return; /* asked, and asks back: no addresses end it */
	}
	s->asked = true;
	if (!s->n_pending) {
		s->n_pending = s->next(s->ctx, s->pending, TALK_ADDRESSES_MAX);
		s->over = s->n_pending == 0;
	}
	memcpy(s->wanted, s->pending, s->n_pending * sizeof(*s->wanted));
	*ret_n = sort_unique(s->wanted, s->n_pending) * sizeof(*s->wanted);
	memcpy(answer, s->wanted, *ret_n);
}

static void answer(void *ctx, const void *question, size_t n, void *answer, size_t *ret_n,
		   int *ret_fd)
{
	struct addr2line_source *s = ctx;
	struct question q;

	*ret_n = 0;
	if (n < sizeof(q))
		return;
	memcpy(&q, question, sizeof(q));
	if (q.kind < SUPPLY_KIND_END)
		*ret_fd = find_named(s, question, n);
	else if (q.kind == ASK_DEBUG)
		*ret_fd = find_debug(s);
	else if (q.kind == ASK_NEXT && s->next)
		answer_next(s, (const uint8_t *)question + sizeof(q), n - sizeof(q), q.more, answer,
			    ret_n);
}

static void refuse_rest(struct addr2line_source *s)
{
	do {
		if (s->n_pending)
			hand_out(s, s->status, &s->err);
		s->n_pending = s->next(s->ctx, s->pending, TALK_ADDRESSES_MAX);
	} while (s->n_pending);
}

void addr2line_source_talk(struct addr2line_source *s, addr2line_next *next, addr2line_got *got,
			   void *ctx)
{
	unsigned int n_vain = 0;

	s->next = next;
	s->got = got;
	s->ctx = ctx;
	s->wanted = mem_realloc(s->wanted, TALK_ADDRESSES_MAX * sizeof(*s->wanted));
	s->pending = mem_realloc(s->pending, TALK_ADDRESSES_MAX * sizeof(*s->pending));
	while (!s->over && n_vain < LIVES_MAX) {
		s->n_answers = 0;
		s->asked = false;
		run(s, true);
		if (s->status == 0 && s->over)
			break;
		/* a second child gets the addresses that the first one died of only if it had done
		 * well before */
		n_vain = s->n_answers ? 0 : n_vain + 1;
		if (s->n_pending && !s->n_answers)
			hand_out(s, s->status ? s->status : -EPROTO, &s->err);
	}
	if (!s->over)
		refuse_rest(s);
	s->next = NULL;
}
