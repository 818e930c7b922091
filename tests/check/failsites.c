/*
 * Shows a log of failcall.c:
 *	failsites LOG		"firedI N" by wish, "fired N", "crashed N", "killed NS",
 *				"left_open N", "bad_closes N", "kind NAME N", "site HEX KIND N"
 *	failsites LOG syncs	"sync RETURNED_NS BYTES INO", oldest first
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failcall.h"

static void show_syncs(const struct failcall_log *l)
{
	uint64_t first = l->n_syncs > FAILCALL_SYNCS ? l->n_syncs - FAILCALL_SYNCS : 0;

	for (uint64_t i = first; i < l->n_syncs; i++) {
		const struct failcall_sync *s = &l->sync[i % FAILCALL_SYNCS];
		printf("sync %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", s->returned_ns, s->bytes,
		       s->ino);
	}
}

static void show_counts(const struct failcall_log *l)
{
	uint64_t fired = 0;

	for (int i = 0; i < FAILCALL_WISHES; i++) {
		printf("fired%d %" PRIu64 "\n", i, l->fired[i]);
		fired += l->fired[i];
	}
	printf("fired %" PRIu64 "\ncrashed %" PRIu64 "\nkilled %" PRIu64 "\nleft_open %" PRIu64
	       "\nbad_closes %" PRIu64 "\n",
	       fired, l->n_crashed, l->killed_ns, l->n_left_open, l->n_bad_closes);
	for (int i = 0; i < FAILCALL_KINDS; i++)
		printf("kind %s %" PRIu64 "\n", failcall_kind_name[i], l->n[i]);
	for (int i = 0; i < FAILCALL_SITES; i++)
		if (l->site[i].n && (l->site[i].key & 0xff) < FAILCALL_KINDS)
			printf("site %" PRIx64 " %s %" PRIu64 "\n", l->site[i].key >> 8,
			       failcall_kind_name[l->site[i].key & 0xff], l->site[i].n);
}

int main(int argc, char **argv)
{
	struct failcall_log *l = malloc(sizeof(*l));
	FILE *in = argc > 1 ? fopen(argv[1], "re") : NULL;

	if (!l || !in || fread(l, sizeof(*l), 1, in) != 1) {
		fprintf(stderr, "usage: failsites LOG [syncs]\n");
		return 2;
	}
	if (argc > 2 && strcmp(argv[2], "syncs") == 0)
		show_syncs(l);
	else
		show_counts(l);
	fclose(in);
	free(l);
	return 0;
}
