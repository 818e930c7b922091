#include <string.h>

#include "common/base/buf.h"
#include "record/doctor/mask.h"
#include "tests/unit/check.h"

static const char *masked(const char *args, size_t n)
{
	static struct buf out;

	buf_done(&out);
	buf_init(&out);
	mask_arguments(args, n, &out);
	return buf_text(&out);
}

#define MASKED(args) masked(args, sizeof(args))

static void announced(void)
{
	CHECK_STR(MASKED("app\0--api-key=canary"), "app\n--api-key=***\n");
	CHECK_STR(MASKED("app\0--password\0canary\0x"), "app\n--password\n***\nx\n");
	CHECK_STR(MASKED("app\0--password=\0canary\0x"), "app\n--password=\n***\nx\n");
	CHECK_STR(MASKED("env\0DD_API_KEY=canary\0app"), "env\nDD_API_KEY=***\napp\n");
	CHECK_STR(MASKED("java\0-Djavax.net.ssl.keyStorePassword=canary\0App"),
		  "java\n-Djavax.net.ssl.keyStorePassword=***\nApp\n");
	CHECK_STR(MASKED("app\0--Client-SECRET:canary"), "app\n--Client-SECRET:***\n");
	CHECK_STR(MASKED("app\0{\"user\":\"u\",\"token\":\"canary\"}"),
		  "app\n{\"user\":\"u\",\"token\":***\n");
	CHECK_STR(MASKED("app\0https://h/p?page=2&access_token=canary&x=1"),
		  "app\nhttps://h/p?page=2&access_token=***\n");
	CHECK_STR(MASKED("app\0Authorization: Bearer canary"), "app\nAuthorization:***\n");
}

static void urls(void)
{
	CHECK_STR(MASKED("app\0postgres://user:canary@db:5432/x"),
		  "app\npostgres://***@db:5432/x\n");
	CHECK_STR(MASKED("app\0--db=mysql://u:c@n@ry@db,redis://:canary@r"),
		  "app\n--db=mysql://***@r\n");
	CHECK_STR(MASKED("app\0http://host/path"), "app\nhttp://host/path\n");
	CHECK_STR(MASKED("app\0x://"), "app\nx://\n");
	CHECK_STR(MASKED("git\0clone\0https://canary@github.com/a/b.git"),
		  "git\nclone\nhttps://***@github.com/a/b.git\n");
}

static void programs_with_silent_options(void)
{
	CHECK_STR(MASKED("curl\0-u\0user:canary\0http://h"), "curl\n-u\n***\nhttp://h\n");
	CHECK_STR(MASKED("/usr/bin/curl\0-uuser:canary"), "/usr/bin/curl\n-u***\n");
	CHECK_STR(MASKED("mysql\0-pcanary\0-h\0db"), "mysql\n-p***\n-h\ndb\n");
	CHECK_STR(MASKED("sshpass\0-p\0canary\0ssh\0h"), "sshpass\n-p\n***\nssh\nh\n");
	CHECK_STR(MASKED("nice\0redis-cli\0-a\0canary"), "nice\nredis-cli\n-a\n***\n");
	CHECK_STR(MASKED("sh\0-c\0curl -u user:canary http://h"),
		  "sh\n-c\ncurl -u *** http://h \n");
	CHECK_STR(MASKED("sh\0-c\0PASSWORD=canary app"), "sh\n-c\nPASSWORD=***\n");
}

static void keys_by_their_looks(void)
{
	CHECK_STR(MASKED("app\0"
			 "0123456789abcdef0123456789abcdef"),
		  "app\n********************************\n");
	CHECK_STR(MASKED("app\0ghp_abcdEFGH1234abcdEFGH1234abcd"),
		  "app\n********************************\n");
	CHECK_STR(MASKED("redis-server\0/etc/redis/redis.conf\0--port\0"
			 "6379"),
		  "redis-server\n/etc/redis/redis.conf\n--port\n6379\n");
}

static void hostile_arguments(void)
{
	CHECK_STR(MASKED("app\0a\nb\033[31m\xff"), "app\na b?[31m? \n");
	CHECK_STR(masked("", 0), "");
	CHECK_STR(masked(NULL, 0), "");
	CHECK_STR(masked("app", 3), "app\n");
	CHECK_STR(MASKED("\0\0"), "\n\n\n");
}

static void logs(void)
{
	static const char text[] = "ddprof-record: debug: session: counts: source=0 keyframes=2\n"
				   "ddprof.toml:3:1: api_key: expected text, found 'canary'\n"
				   "cannot reach http://u:canary@h/\n"
				   "password";
	struct buf out;

	buf_init(&out);
	mask_log(text, sizeof(text) - 1, &out);
	CHECK_STR(buf_text(&out), "ddprof-record: debug: session: counts: source=0 keyframes=2\n"
				  "ddprof.toml:3:1: api_key ***\n"
				  "cannot reach http://***@h/\n"
				  "password\n");
	buf_reset(&out);
	mask_log(NULL, 0, &out);
	CHECK_STR(buf_text(&out), "");
	buf_done(&out);
}

static void values_of_variables(void)
{
	struct secrets *s = secrets_new();
	char text[] = "log: canary1 canary2 canary3 abc";

	REQUIRE_TRUE(s != NULL);
	secrets_note_variable(s, "DD_API_KEY=canary1");
	secrets_note_variable(s, "DATABASE=x://u:p@h");
	secrets_note_variable(s, "MY_TOKEN=canary3");
	secrets_note_variable(s, "HOME=canary2");
	secrets_note_variable(s, "PIN_KEY=abc");
	secrets_note_variable(s, "NO_VALUE");
	secrets_hide(s, text, strlen(text));
	CHECK_STR(text, "log: ******* canary2 ******* abc");
	secrets_hide(s, NULL, 0);
	secrets_free(s);
}

SUITE(doctor_mask,
	{ "what a telling word announces is masked to the end", announced },
	{ "the userinfo of URLs is masked", urls },
	{ "options that only their program knows are masked", programs_with_silent_options },
	{ "words that look like keys are masked, others stay", keys_by_their_looks },
	{ "hostile arguments come out printable", hostile_arguments },
	{ "values of telling variables are starred out anywhere", values_of_variables },
	{ "a log keeps its lines, without what telling words announce", logs },
)
