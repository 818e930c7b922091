/*
 * search FILE... < LINES: counts where FILEs hold a secret of the lines "secret NAME TEXT": as it
 * is, as UTF-16 of both byte orders, and each 8-byte word of it at any alignment, also with its
 * bytes reversed. Prints "found NAME WHAT FILE" for each and ends with 1 when there was one.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 128 };

struct content {
	const char *path;
	char *bytes;
	size_t n;
};

static bool read_whole(const char *path, struct content *ret)
{
	FILE *in = fopen(path, "re");
	size_t cap = 1 << 20, got;

	if (!in)
		return false;
	*ret = (struct content){ .path = path, .bytes = malloc(cap) };
	while (ret->bytes && (got = fread(ret->bytes + ret->n, 1, cap - ret->n, in)) > 0) {
		ret->n += got;
		if (ret->n == cap)
			ret->bytes = realloc(ret->bytes, cap *= 2);
	}
	fclose(in);
	return ret->bytes != NULL;
}

static int look(const struct content *c, const char *name, const char *what, const void *bytes,
		size_t n)
{
	if (!memmem(c->bytes, c->n, bytes, n))
		return 0;
	printf("found %s %s %s\n", name, what, c->path);
	return 1;
}

static int look_for_all(const struct content *c, const char *name, const char *text)
{
	char wide[2 * TEXT_MAX] = { 0 }, word[8];
	size_t n = strlen(text);
	int found = look(c, name, "text", text, n);

	for (size_t i = 0; i < n; i++)
		wide[2 * i] = text[i];
	found += look(c, name, "utf-16le", wide, 2 * n);
	found += look(c, name, "utf-16be", wide + 1, 2 * n - 2);
	for (size_t i = 0; i + 8 <= n; i++) {
		found += look(c, name, "word", text + i, 8);
		for (int k = 0; k < 8; k++)
			word[k] = text[i + 7 - k];
		found += look(c, name, "reversed-word", word, 8);
	}
	return found;
}

int main(int argc, char **argv)
{
	char line[512], name[64], text[TEXT_MAX];
	struct content content[16];
	int n_secrets = 0, found = 0;

	if (argc < 2 || argc > 16)
		return 2;
	for (int i = 1; i < argc; i++)
		if (!read_whole(argv[i], &content[i - 1])) {
			perror(argv[i]);
			return 2;
		}
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "secret %63s %127s", name, text) != 2)
			continue;
		n_secrets++;
		for (int i = 0; i + 1 < argc; i++)
			found += look_for_all(&content[i], name, text);
	}
	for (int i = 0; i + 1 < argc; i++)
		free(content[i].bytes);
	printf("searched %d secrets, found %d\n", n_secrets, found);
	return n_secrets == 0 ? 2 : found > 0;
}
