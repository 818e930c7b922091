/*
 * A program whose file gives it rights. Prints its effective user and group, burns CPU time, waits.
 * Arguments: ms to burn, ms to wait, and "take" (all ids become the effective ones) or "drop" (the
 * real ones). Ends with status 7.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "truth.h"

NOINLINE static uint64_t privileged_work(uint64_t ns)
{
	return truth_burn(ns);
}

int main(int argc, char **argv)
{
	const char *ids = argc > 3 ? argv[3] : "";
	int bad = 0;

	printf("%s %d %d\n", argv[0], (int)geteuid(), (int)getegid());
	fflush(stdout);
	if (!strcmp(ids, "take"))
		bad = setresuid(geteuid(), geteuid(), geteuid());
	else if (!strcmp(ids, "drop"))
		bad = setresuid(getuid(), getuid(), getuid());
	if (bad)
		return 8;
	privileged_work((argc > 1 ? strtoull(argv[1], NULL, 10) : 0) * MS_NS);
	usleep(argc > 2 ? (useconds_t)strtoul(argv[2], NULL, 10) * 1000 : 0);
	return 7;
}
