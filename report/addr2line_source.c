/*
 * The file is parsed in the jail (addr2line_child.c). The parent finds the files that the child
 * asks for, hands out addresses, and checks what comes back.
 */
#include "report/addr2line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/auto.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/elf/image.h"
#include "report/addr2line_child.h"
#include "report/addr2line_order.h"
#include "report/jail/jail.h"
#include "report/symbol/cache.h"

enum {
	RESULT_BYTES_MAX = 256 << 20, /* of one answer; what is longer is cut, and so damaged */
	LIVES_MAX = 3, /* children that ended one after the other without an answer */
};

struct addr2line_source {
	const struct addr2line_file *file;
	struct addr2line_child child;
	uint64_t size;
	struct debug *debug; /* opened when first asked for */
	bool debug_tried;
	char *cache_dir;
	char *path; /* of the file, absolute: what it names lies beside it */
	struct object_key key;
	struct debug_file beside; /* the file that is read: ours, or one found for it */
	struct supply supply;
	bool said;    /* that something is damaged */
	char *symbol; /* asked for last; NULL: none */
	bool is_found;
	uint64_t found; /* its address */
	/* those asked for, and where they are answered */
	const uint64_t *addr;
	size_t n;
	struct addr2line_order order;
	addr2line_got *got;
	void *ctx;
	/* a conversation */
	struct buf bytes; /* of the next result, 8-aligned */
	addr2line_next *next;
	uint64_t *pending; /* asked, not answered */
	bool over;
	int status; /* of the child that ended last */
	struct err err;
	unsigned int n_answers; /* of this child */
	bool asked;		/* this child was given addresses */
};

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
	s->child = (struct addr2line_child){
		.fd = fd,
		.path = file->path,
		.section = file->section,
	};
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
	close(s->child.fd);
	if (s->supply.debug)
		supply_done(&s->supply);
	debug_file_done(&s->beside);
	debug_close(s->debug);
	buf_done(&s->bytes);
	addr2line_order_done(&s->order);
	free(s->cache_dir);
	free(s->symbol);
	free(s->path);
	free(s->pending);
	free(s);
}

/* The index of debug files is kept where the report keeps it. */
static void use_cache(struct addr2line_source *s, struct debug_options *o)
{
	struct symbol_cache *cache = NULL;

	if (s->file->no_cache)
		return;
	s->cache_dir = symbol_cache_default_dir();
	if (s->cache_dir)
		cache = symbol_cache_open(s->cache_dir);
	if (cache)
		o->cache_dir = s->cache_dir;
	symbol_cache_close(cache);
}

/* False: nothing can be looked for. */
static bool debug_ready(struct addr2line_source *s)
{
	struct debug_options o = s->file->debug;
	struct err err = { 0 };

	if (!s->debug_tried) {
		s->debug_tried = true;
		use_cache(s, &o);
		if (debug_open(&o, &s->debug, &err) < 0)
			log_warning("%s", err.text);
	}
	return s->debug && s->path;
}

/* The file with debug information that belongs to ours, by build-id; -1: none. */
static int find_debug(struct addr2line_source *s)
{
	struct debug_file found;

	if (!debug_ready(s) || elf_build_id(s->child.fd, &s->key.build_id, NULL) < 0 ||
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
	if (!s->supply.debug)
		supply_init(&s->supply, s->debug, &s->key, &s->beside);
	return supply_answer(&s->supply, question, n);
}

/* ---- results ---- */

/* Takes one whole result apart. bytes: 8-aligned. */
static int open_result(const void *bytes, size_t n, struct addr2line_head *ret_head,
		       struct answers *ret, struct err *err)
{
	if (n < sizeof(*ret_head))
		return err_set(err, -EBADMSG, "no result");
	memcpy(ret_head, bytes, sizeof(*ret_head));
	return answers_open((const uint8_t *)bytes + sizeof(*ret_head), n - sizeof(*ret_head), ret,
			    err);
}

/* What is damaged, once. The text comes out of the jail. */
static void say_trouble(struct addr2line_source *s, const struct addr2line_head *head)
{
	char text[TROUBLE_BYTES + 1] = "";

	memcpy(text, head->trouble, TROUBLE_BYTES);
	if (!text[0] || s->said)
		return;
	s->said = true;
	for (char *at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	log_warning("'%s': %s", s->file->path, text);
}

/* Each address in the result, in the order that they were given in. */
static void look_up(const struct addr2line_source *s, const struct addr2line_head *head,
		    const struct answers *a, uint32_t *ret_first)
{
	const struct addr2line_order *o = &s->order;
	size_t n_inside = addr2line_inside(head, o->addr, o->n);
	AUTO_FREE uint64_t *shifted = mem_alloc((n_inside + 1) * sizeof(*shifted));
	AUTO_FREE uint32_t *first = mem_alloc((o->n + 1) * sizeof(*first));

	for (size_t i = 0; i < n_inside; i++)
		shifted[i] = o->addr[i] + head->base;
	answers_join(a, shifted, (uint32_t)n_inside, first, NULL);
	for (size_t i = n_inside; i < o->n; i++)
		first[i] = ANSWER_NONE;
	for (size_t i = 0; i < s->n; i++)
		ret_first[i] = first[o->of[i]];
}

/* A result, or why there is none, to whoever asked. */
static void hand_out(struct addr2line_source *s, const void *bytes, size_t n, int status,
		     const struct err *err)
{
	AUTO_FREE uint32_t *first = mem_alloc((s->n + 1) * sizeof(*first));
	struct answers answers = { 0 };
	struct addr2line_head head;
	struct err damage = { 0 };

	if (status == 0) {
		status = open_result(bytes, n, &head, &answers, &damage);
		err = &damage;
	}
	if (status == 0) {
		look_up(s, &head, &answers, first);
		say_trouble(s, &head);
	}
	s->got(s->ctx, s->addr, s->n, status < 0 ? NULL : &answers, status < 0 ? NULL : first,
	       status, err);
	s->n = 0;
}

/* ---- children ---- */

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
		hand_out(s, s->bytes.data, s->bytes.n, 0, NULL);
		buf_reset(&s->bytes);
		s->n_answers++;
	} else if (s->asked) {
		return; /* asked, and asks back: no addresses end it */
	}
	s->asked = true;
	if (!s->n) {
		s->n = s->next(s->ctx, s->pending, TALK_ADDRESSES_MAX);
		s->over = s->n == 0;
		addr2line_order_make(&s->order, s->pending, s->n);
	}
	*ret_n = s->order.n * sizeof(*s->order.addr);
	memcpy(answer, s->order.addr, *ret_n);
}

static void answer(void *ctx, const void *question, size_t n, void *answer, size_t *ret_n,
		   int *ret_fd)
{
	struct addr2line_source *s = ctx;
	struct addr2line_question q;

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

static void done_batch(void *ctx, int status, const struct err *err, const void *out, size_t n)
{
	hand_out(ctx, out, n, status, err);
}

static void done_talk(void *ctx, int status, const struct err *err, const void *out, size_t n)
{
	struct addr2line_source *s = ctx;

	(void)out, (void)n;
	s->status = status;
	if (status < 0)
		s->err = *err;
}

static int find_body(void *ctx, struct jail_cell *cell, struct err *err)
{
	return addr2line_find(&((struct addr2line_source *)ctx)->child, cell, err);
}

static void done_find(void *ctx, int status, const struct err *err, const void *out, size_t n)
{
	struct addr2line_source *s = ctx;

	(void)err;
	s->is_found = status == 0 && n == sizeof(s->found);
	if (s->is_found)
		memcpy(&s->found, out, sizeof(s->found));
}

/* The last one is remembered: many addresses are of one symbol. */
bool addr2line_source_symbol(struct addr2line_source *s, const char *name, uint64_t *ret)
{
	struct jail_job job = {
		.what = s->file->path,
		.limits = jail_limits_for(s->size),
		.fd = &s->child.fd,
		.n_fds = 1,
		.ctx = s,
		.body = find_body,
		.done = done_find,
	};

	if (!s->symbol || strcmp(s->symbol, name) != 0) {
		free(s->symbol);
		s->symbol = strdup(name);
		s->child.symbol = name;
		jail_run(&job, NULL);
		s->child.symbol = NULL;
	}
	if (s->is_found)
		*ret = s->found;
	return s->is_found;
}

static int batch_body(void *ctx, struct jail_cell *cell, struct err *err)
{
	return addr2line_batch(&((struct addr2line_source *)ctx)->child, cell, err);
}

static int talk_body(void *ctx, struct jail_cell *cell, struct err *err)
{
	return addr2line_talk(&((struct addr2line_source *)ctx)->child, cell, err);
}

static void run(struct addr2line_source *s, bool talk)
{
	struct jail_job job = {
		.what = s->file->path,
		.limits = jail_limits_for(s->size),
		.fd = &s->child.fd,
		.n_fds = 1,
		.ctx = s,
		.body = talk ? talk_body : batch_body,
		.answer = answer,
		.done = talk ? done_talk : done_batch,
	};

	job.limits.renewed = talk;
	buf_reset(&s->bytes);
	jail_run(&job, NULL);
}

void addr2line_source_answer(struct addr2line_source *s, const uint64_t *addr, size_t n,
			     addr2line_got *got, void *ctx)
{
	addr2line_order_make(&s->order, addr, n);
	s->child.wanted = s->order.addr;
	s->child.n_wanted = s->order.n;
	s->addr = addr;
	s->n = n;
	s->got = got;
	s->ctx = ctx;
	run(s, false);
}

static void refuse_rest(struct addr2line_source *s)
{
	do {
		if (s->n)
			hand_out(s, NULL, 0, s->status, &s->err);
		s->n = s->next(s->ctx, s->pending, TALK_ADDRESSES_MAX);
	} while (s->n);
}

void addr2line_source_talk(struct addr2line_source *s, addr2line_next *next, addr2line_got *got,
			   void *ctx)
{
	unsigned int n_vain = 0;

	s->next = next;
	s->got = got;
	s->ctx = ctx;
	s->addr = s->pending = mem_alloc(TALK_ADDRESSES_MAX * sizeof(*s->pending));
	while (!s->over && n_vain < LIVES_MAX) {
		s->n_answers = 0;
		s->asked = false;
		run(s, true);
		if (s->status == 0 && s->over)
			break;
		/* a second child gets the addresses that the first one died of only if it had done
		 * well before */
		n_vain = s->n_answers ? 0 : n_vain + 1;
		if (s->n && !s->n_answers)
			hand_out(s, NULL, 0, s->status ? s->status : -EPROTO, &s->err);
	}
	if (!s->over)
		refuse_rest(s);
	s->next = NULL;
}
