/*
 * A row is a whole catalog, as the bytes that children send (finding.h): they are checked in the
 * same way, and one read of 3 MB is faster than 20 000 rows. The sum over the catalog that was
 * stored has to come out again. A power loss may tear the file, so nothing is synced: that is
 * found, and the folders are looked at again.
 *
 * The file is no more trusted than a package: the table has to be exactly ours, and reading has a
 * limit on steps, since a view of the same name could compute for ever.
 */
#include "report/debug/index.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "report/debug/catalog.h"
#include "report/debug/debug.h"
#include "report/debug/finding.h"

#define TABLE \
	"CREATE TABLE root(key INTEGER PRIMARY KEY,path TEXT,made INTEGER,sum INTEGER,catalog BLOB)"

enum {
	APPLICATION_ID = 0x64647069, /* "ddpi" */
	STEPS_MAX = 4 << 20,	     /* of SQLite's machine, for one statement */
	STEPS_EACH = 1 << 20,
};

struct index {
	char *path;
	sqlite3 *db;
	int steps;
	bool tried, said;
};

struct index *index_new(const char *cache_dir)
{
	struct index *x;

	if (!cache_dir)
		return NULL;
	x = mem_zalloc(sizeof(*x));
	if (asprintf(&x->path, "%s/" INDEX_FILE, cache_dir) < 0) {
		free(x);
		return NULL;
	}
	return x;
}

static void index_close(struct index *x)
{
	sqlite3_close(x->db);
	x->db = NULL;
}

void index_free(struct index *x)
{
	if (!x)
		return;
	index_close(x);
	free(x->path);
	free(x);
}

/* ---- trouble ---- */

static void say(struct index *x, const char *what, const char *why)
{
	if (!x->said)
		log_warning("%s of debug files '%s': %s", what, x->path, why);
	x->said = true;
}

static void remove_files(const char *path)
{
	static const char *const suffix[] = { "", "-journal", "-wal", "-shm" };

	for (unsigned int i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		char *name;

		if (asprintf(&name, "%s%s", path, suffix[i]) < 0)
			return;
		unlink(name);
		free(name);
	}
}

/* Whatever else SQLite says is about this moment, not about the file. */
static bool means_damage(int code)
{
	code &= 0xff;
	return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_FORMAT ||
	       code == SQLITE_INTERRUPT || code == SQLITE_TOOBIG || code == SQLITE_ERROR ||
	       code == SQLITE_MISMATCH;
}

/* ---- opening ---- */

static int count_steps(void *ctx)
{
	struct index *x = ctx;

	x->steps += STEPS_EACH;
	return x->steps > STEPS_MAX;
}

static int run(struct index *x, const char *sql)
{
	x->steps = 0;
	return sqlite3_exec(x->db, sql, NULL, NULL, NULL);
}

/* One number, or one text compared with `is`; anything else gives no row. */
static int ask(struct index *x, const char *sql, const char *is, bool *ret)
{
	sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(x->db, sql, -1, &s, NULL);
	const char *text;

	x->steps = 0;
	if (code == SQLITE_OK)
		code = sqlite3_step(s);
	*ret = false;
	if (code == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(s, 0);
		*ret = text && !strcmp(text, is) && sqlite3_step(s) == SQLITE_DONE;
		code = SQLITE_OK;
	} else if (code == SQLITE_DONE) {
		code = SQLITE_OK;
	}
	sqlite3_finalize(s);
	return code;
}

static int create(struct index *x)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
		 "PRAGMA auto_vacuum=FULL;BEGIN IMMEDIATE;PRAGMA application_id=%d;"
		 "PRAGMA user_version=%d;" TABLE ";COMMIT",
		 APPLICATION_ID, INDEX_VERSION);
	return run(x, sql);
}

/* 0: an empty file; else whether it is what this version makes. */
static int check_contents(struct index *x, bool *ret_empty, const char **ret_wrong)
{
	char version[16];
	bool ours, same;
	int code;

	code = ask(x, "SELECT count(*) FROM sqlite_master", "0", ret_empty);
	if (code != SQLITE_OK || *ret_empty)
		return code;
	snprintf(version, sizeof(version), "%d", INDEX_VERSION);
	code = ask(x, "PRAGMA user_version", version, &same);
	if (code == SQLITE_OK)
		code = ask(x, "SELECT sql FROM sqlite_master", TABLE, &ours);
	if (code != SQLITE_OK)
		return code;
	*ret_wrong = !same ? "of another version" : !ours ? "not of this program's making" : NULL;
	return SQLITE_OK;
}

static void harden(struct index *x)
{
	sqlite3_busy_timeout(x->db, INDEX_BUSY_MS);
	sqlite3_limit(x->db, SQLITE_LIMIT_LENGTH, INDEX_CATALOG_BYTES_MAX);
	sqlite3_db_config(x->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(x->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_progress_handler(x->db, STEPS_EACH, count_steps, x);
	run(x, "PRAGMA synchronous=OFF;PRAGMA mmap_size=0;PRAGMA cell_size_check=ON");
}

/* A FIFO, a link or somebody else's file is not opened at all. */
static bool is_own_file(struct index *x)
{
	struct stat st;

	if (lstat(x->path, &st) < 0)
		return errno == ENOENT;
	if (S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022))
		return true;
	say(x, "index", "not used: not a file of this user's alone");
	return false;
}

/* SQLITE_OK with *ret_wrong NULL: usable. */
static int open_once(struct index *x, const char **ret_wrong)
{
	bool empty = false;
	int code =
		sqlite3_open_v2(x->path, &x->db,
				SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
					SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE,
				NULL);

	*ret_wrong = NULL;
	if (code != SQLITE_OK)
		return code;
	harden(x);
	code = check_contents(x, &empty, ret_wrong);
	/* of two that find it empty the second one fails, and finds it made */
	if (code == SQLITE_OK && empty && create(x) != SQLITE_OK) {
		sqlite3_exec(x->db, "ROLLBACK", NULL, NULL, NULL);
		code = check_contents(x, &empty, ret_wrong);
		if (code == SQLITE_OK && empty)
			code = sqlite3_errcode(x->db) == SQLITE_OK ? SQLITE_READONLY :
								     sqlite3_errcode(x->db);
	}
	return code;
}

static void rebuild(struct index *x, const char *why)
{
	const char *wrong;
	int code;

	say(x, "index", why);
	index_close(x);
	remove_files(x->path);
	code = open_once(x, &wrong);
	if (code != SQLITE_OK || wrong)
		index_close(x);
}

static bool index_open(struct index *x)
{
	const char *wrong;
	mode_t mask;
	int code;

	if (!x || x->tried)
		return x && x->db;
	x->tried = true;
	if (!is_own_file(x))
		return false;
	mask = umask(077);
	code = open_once(x, &wrong);
	if (code == SQLITE_OK && wrong) {
		rebuild(x, wrong);
	} else if (code != SQLITE_OK && means_damage(code)) {
		rebuild(x, "damaged, built anew");
	} else if (code != SQLITE_OK) {
		say(x, "index", sqlite3_errstr(code));
		index_close(x);
	}
	umask(mask);
	return x->db;
}

/* ---- rows ---- */

static int64_t key_of(const char *root)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *root; root++)
		h = (h ^ (uint8_t)*root) * 0x100000001b3;
	return (int64_t)h;
}

static bool take_row(sqlite3_stmt *s, struct catalog *ret, struct finding_notes *ret_notes,
		     const char **ret_wrong)
{
	const void *bytes = sqlite3_column_blob(s, 2);
	int n = sqlite3_column_bytes(s, 2);
	struct findings f = { .into = ret, .file = CATALOG_NONE };
	struct err err = { 0 };

	if (findings_take(&f, bytes ? bytes : "", bytes ? (size_t)n : 0, &err) < 0) {
		*ret_wrong = "damaged, built anew";
		return false;
	}
	catalog_seal(ret);
	if (ret->sum != (uint64_t)sqlite3_column_int64(s, 1)) {
		*ret_wrong = "damaged (a sum differs), built anew";
		return false;
	}
	*ret_notes = f.notes;
	return true;
}

/* Another path of the same hash is no damage. */
static bool is_row_of(sqlite3_stmt *s, const char *root)
{
	const char *path = (const char *)sqlite3_column_text(s, 0);

	return path && !strcmp(path, root);
}

bool index_load(struct index *x, const char *root, struct catalog *ret,
		struct finding_notes *ret_notes)
{
	const char *wrong = NULL;
	sqlite3_stmt *s = NULL;
	bool found = false;
	int code;

	if (!index_open(x))
		return false;
	x->steps = 0;
	code = sqlite3_prepare_v2(x->db, "SELECT path,sum,catalog FROM root WHERE key=?", -1, &s,
				  NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(s, 1, key_of(root));
	if (code == SQLITE_OK)
		code = sqlite3_step(s);
	if (code == SQLITE_ROW && is_row_of(s, root))
		found = take_row(s, ret, ret_notes, &wrong);
	sqlite3_finalize(s);
	if (found)
		return true;
	catalog_done(ret);
	catalog_init(ret);
	if (wrong || means_damage(code))
		rebuild(x, wrong ? wrong : "damaged, built anew");
	return false;
}

static int put_row(struct index *x, const char *root, const struct catalog *c,
		   const struct buf *bytes)
{
	sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(x->db,
				      "INSERT OR REPLACE INTO root(key,path,made,sum,catalog)"
				      "VALUES(?,?,?,?,?)",
				      -1, &s, NULL);

	x->steps = 0;
	if (code == SQLITE_OK) {
		sqlite3_bind_int64(s, 1, key_of(root));
		sqlite3_bind_text(s, 2, root, -1, SQLITE_STATIC);
		sqlite3_bind_int64(s, 3, (int64_t)time(NULL));
		sqlite3_bind_int64(s, 4, (int64_t)c->sum);
		sqlite3_bind_blob64(s, 5, bytes->data, bytes->n, SQLITE_STATIC);
		code = sqlite3_step(s);
	}
	sqlite3_finalize(s);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int drop_oldest(struct index *x)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "DELETE FROM root WHERE key NOT IN"
		 "(SELECT key FROM root ORDER BY made DESC,key LIMIT %d)",
		 INDEX_ROOTS_MAX);
	return run(x, sql);
}

static int replace(struct index *x, const char *root, const struct catalog *c,
		   const struct buf *bytes)
{
	int code = run(x, "BEGIN IMMEDIATE");

	if (code == SQLITE_OK)
		code = put_row(x, root, c, bytes);
	if (code == SQLITE_OK)
		code = drop_oldest(x);
	if (code == SQLITE_OK)
		code = run(x, "COMMIT");
	if (code != SQLITE_OK)
		sqlite3_exec(x->db, "ROLLBACK", NULL, NULL, NULL);
	return code;
}

void index_store(struct index *x, const char *root, const struct catalog *c,
		 const struct finding_notes *notes)
{
	struct buf bytes;
	int code;

	if (!index_open(x))
		return;
	buf_init(&bytes);
	finding_put_catalog(&bytes, c);
	for (unsigned int i = 0; i < notes->n; i++)
		finding_put_note(&bytes, notes->text[i]);
	if (bytes.n > INDEX_CATALOG_BYTES_MAX / 2) {
		buf_done(&bytes);
		return;
	}
	code = replace(x, root, c, &bytes);
	if (code != SQLITE_OK && means_damage(code)) {
		rebuild(x, "damaged, built anew");
		code = x->db ? replace(x, root, c, &bytes) : SQLITE_OK;
	}
	if (code != SQLITE_OK)
		say(x, "index", sqlite3_errstr(code));
	buf_done(&bytes);
}

/* ---- for the verb ---- */

uint64_t debug_index_bytes(const char *cache_dir)
{
	char *path;
	struct stat st;
	bool there;

	if (asprintf(&path, "%s/" INDEX_FILE, cache_dir) < 0)
		return 0;
	there = lstat(path, &st) == 0 && S_ISREG(st.st_mode);
	free(path);
	return there ? (uint64_t)st.st_size : 0;
}

void debug_index_remove(const char *cache_dir)
{
	char *path;

	if (asprintf(&path, "%s/" INDEX_FILE, cache_dir) < 0)
		return;
	remove_files(path);
	free(path);
}
