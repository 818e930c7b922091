/* Two functions share the time 70:30 in slices. Argument: milliseconds in all. */
#include <stdlib.h>

#include "truth.h"

NOINLINE static uint64_t heavy_work(uint64_t ns)
{
	return truth_burn(ns);
}

NOINLINE static uint64_t light_work(uint64_t ns)
{
	return truth_burn(ns);
}

int main(int argc, char **argv)
{
	uint64_t total = (argc > 1 ? strtoull(argv[1], NULL, 10) : 1000) * MS_NS;
	uint64_t heavy = 0, light = 0;

	while (heavy + light < total) {
		heavy += heavy_work(7 * MS_NS);
		light += light_work(3 * MS_NS);
	}
	printf("share heavy_work %.4f\n", (double)heavy / (heavy + light));
	printf("share light_work %.4f\n", (double)light / (heavy + light));
	printf("cpu_ns all %llu\n", (unsigned long long)(heavy + light));
	return 0;
}
