#include <stdio.h> /* A body inlined in another, for debug files. VALUE tells builds apart. */
static inline __attribute__((always_inline)) unsigned inner(unsigned x)
{
	for (int i = 0; i < 50; i++)
		x = x * 1664525u + 1013904223u ^ (x >> 7);
	return x;
}
static __attribute__((noinline)) unsigned outer(unsigned x)
{
	return inner(x) + VALUE;
}
int main(void)
{
	unsigned x = 1;
	for (long i = 0; i < 6000000; i++)
		x = outer(x);
	printf("%u\n", x);
}
