/* common/base/os.c: os-release(5), as it is and as somebody might make it. */
#include "common/base/os.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static void reads(const char *text, const char *id, const char *version, const char *like,
		  const char *name)
{
	struct os_release r;

	os_release_parse(text, strlen(text), &r);
	CHECK_STR(r.id, id);
	CHECK_STR(r.version, version);
	CHECK_STR(r.like, like);
	CHECK_STR(r.name, name);
}

static void quotes_as_in_shells(void)
{
	reads("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n",
	      "debian", "12", "", "Debian GNU/Linux 12 (bookworm)");
	reads("ID='rocky'\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID='9.3'", "rocky", "9.3",
	      "rhel centos fedora", "");
	reads("PRETTY_NAME=\"A \\\"b\\\" \\$c\"\nID=x", "x", "", "", "A \"b\" $c");
	reads("# ID=no\n ID=no\nVARIANT_ID=no\nID=\n\n", "", "", "", "");
}

static void hostile_values(void)
{
	char text[4096];
	struct os_release r;

	reads("ID=a;b$(c)\x1b[1m\nPRETTY_NAME=\"a\x1b[31mb\xff\"", "abc1m", "", "", "a[31mb");
	reads("ID=\"never closed", "neverclosed", "", "", "");
	reads("PRETTY_NAME=\"a\\", "", "", "", "a\\");
	memset(text, 'a', sizeof(text));
	memcpy(text, "ID=", 3);
	os_release_parse(text, sizeof(text), &r);
	CHECK_INT(strlen(r.id), OS_TEXT_MAX - 1);
}

static void pairs(void)
{
	struct os_release r;

	os_release_take(&r, "opensuse-leap 15.5", "suse opensuse", "openSUSE \x1bLeap");
	CHECK_STR(r.id, "opensuse-leap");
	CHECK_STR(r.version, "15.5");
	CHECK_STR(r.like, "suse opensuse");
	CHECK_STR(r.name, "openSUSE Leap");
	os_release_take(&r, "arch", "", "");
	CHECK_STR(r.id, "arch");
	CHECK_STR(r.version, "");
	os_release_take(&r, " \n", "", "");
	CHECK_STR(r.id, "");
}

SUITE(base_os,
      { "values are quoted as in shells", quotes_as_in_shells },
      { "hostile values become short and printable", hostile_values },
      { "id and version are read from a pair", pairs },
)
