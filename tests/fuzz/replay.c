/*
 * Runs a fuzz target over files instead of libFuzzer: each file of the corpus once.
 *
 *	replay-TARGET FILE...
 *
 * Exit status 0, or the death of the target; 99 when a file cannot be read.
 *
 * The input lies in memory of exactly its size, so that the sanitizers see each byte beyond it.
 * A deadline for each file makes a hang a failure (DDPROF_REPLAY_SECONDS, default 20).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { INPUT_MAX_BYTES = 64 << 20, EXIT_BROKEN = 99 };

static uint8_t *read_input(const char *path, size_t *ret_n)
{
	FILE *file = fopen(path, "re");
	uint8_t *bytes = malloc(INPUT_MAX_BYTES), *exact;
	size_t n;

	if (!file || !bytes) {
		fprintf(stderr, "replay: cannot read '%s'\n", path);
		exit(EXIT_BROKEN);
	}
	n = fread(bytes, 1, INPUT_MAX_BYTES, file);
	fclose(file);
	exact = malloc(n ? n : 1);
	memcpy(exact, bytes, n);
	free(bytes);
	*ret_n = n;
	return exact;
}

int main(int argc, char **argv)
{
	const char *seconds = getenv("DDPROF_REPLAY_SECONDS");

	for (int i = 1; i < argc; i++) {
		size_t n;
		uint8_t *bytes = read_input(argv[i], &n);

		/* said before: a crash leaves the name of its file behind */
		fprintf(stderr, "replay: %s (%zu bytes)\n", argv[i], n);
		alarm(seconds ? (unsigned int)atoi(seconds) : 20);
		LLVMFuzzerTestOneInput(bytes, n);
		alarm(0);
		free(bytes);
	}
	return 0;
}
