/*
 * Plants secrets where programs keep them and burns CPU while they are there; prints each, so that
 * a recording can be searched for it. They come from the kernel's random source: the program file
 * does not hold them. Environment (DDPROF_TEST_SECRET) and argument come from the test. Argument 2:
 * milliseconds.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "truth.h"

enum { SECRET_BYTES = 32 };

static _Thread_local char in_tls[SECRET_BYTES + 1];

static void make_secret(char *out)
{
	unsigned char raw[SECRET_BYTES / 2];

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		abort();
	for (size_t i = 0; i < sizeof(raw); i++)
		sprintf(out + 2 * i, "%02x", raw[i]);
}

/* four callee-saved registers hold the secret's words while the loop runs */
NOINLINE static void burn_with_registers(const char *secret, uint64_t ns)
{
	uint64_t word[4], start = truth_cpu_ns();

	memcpy(word, secret, sizeof(word));
	do {
#if defined(__x86_64__)
		__asm__ volatile(
			"mov %0, %%rbx\n\tmov %1, %%r12\n\tmov %2, %%r13\n\tmov %3, %%r14\n\t"
			"mov $300000, %%rcx\n\t"
			"1: dec %%rcx\n\t"
			"jnz 1b\n\t" ::"m"(word[0]),
			"m"(word[1]), "m"(word[2]), "m"(word[3])
			: "rbx", "r12", "r13", "r14", "rcx", "memory");
#else
		truth_sink += word[0] ^ word[3];
#endif
	} while (truth_cpu_ns() - start < ns);
}

NOINLINE static void burn_with_stack(const char *secret, const char *heap, uint64_t ns)
{
	char in_stack[4][SECRET_BYTES + 8];

	/* at every alignment that matters to whoever looks at words */
	for (int i = 0; i < 4; i++)
		memcpy(in_stack[i] + 2 * i, secret, SECRET_BYTES);
	__asm__ volatile("" ::"r"(in_stack), "r"(heap) : "memory");
	truth_burn(ns);
	burn_with_registers(secret, ns);
	__asm__ volatile("" ::"r"(in_stack), "r"(heap) : "memory");
}

int main(int argc, char **argv)
{
	const char *from_environment = getenv("DDPROF_TEST_SECRET");
	char stack[SECRET_BYTES + 1], *heap = malloc(SECRET_BYTES + 1);
	uint64_t ns = (argc > 2 ? strtoull(argv[2], NULL, 10) : 300) * MS_NS;

	if (argc < 2 || !from_environment || !heap)
		return 2;
	make_secret(stack);
	make_secret(heap);
	make_secret(in_tls);
	printf("secret environment %s\nsecret argument %s\n", from_environment, argv[1]);
	printf("secret stack %s\nsecret heap %s\nsecret tls %s\n", stack, heap, in_tls);
	fflush(stdout);
	burn_with_stack(stack, heap, ns);
	return 0;
}
