/*
 * Two libraries take turns at one address: dlopen, burn, dlclose. Says whether the addresses were
 * equal. Arguments: library a, library b, rounds, milliseconds a turn.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

#include "truth.h"

static uint64_t turn(const char *path, uint64_t ns, void **ret_base)
{
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	uint64_t (*run)(uint64_t) = (uint64_t(*)(uint64_t))dlsym(lib, "plugin_run");
	Dl_info info;
	if (!run || !dladdr((void *)run, &info))
		exit(1);
	*ret_base = info.dli_fbase;
	uint64_t used = run(ns);
	dlclose(lib);
	return used;
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	int rounds = atoi(argv[3]), equal = 0;
	uint64_t ns = strtoull(argv[4], NULL, 10) * MS_NS, a = 0, b = 0;

	for (int i = 0; i < rounds; i++) {
		void *base_a, *base_b;
		a += turn(argv[1], 2 * ns, &base_a);
		b += turn(argv[2], ns, &base_b);
		equal += base_a == base_b;
	}
	printf("share swap_a_work %.4f\nshare swap_b_work %.4f\n", (double)a / (a + b),
	       (double)b / (a + b));
	printf("same_address rounds %d of %d\n", equal, rounds);
	return 0;
}
