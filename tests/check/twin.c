/*
 * One of two twins, for tests where both are at one address in turn: where one works, the other has
 * filler that never runs. A sample on filler was given to the wrong twin. -DFIRST: works in the
 * first page, else in the third. A program (argument: thousands of turns) or a library.
 */
#include <stdlib.h>

#define FILLER(name)                                                \
	".globl " #name "\n.type " #name ",@function\n" #name ":\n" \
	".fill 8192, 1, 0x90\nret\n.size " #name ",.-" #name "\n"

#define WORK                                                        \
	".globl twin_work\n.type twin_work,@function\ntwin_work:\n" \
	"1: dec %rdi\njnz 1b\nret\n.balign 4096\n.size twin_work,.-twin_work\n"

#ifdef FIRST
__asm__(".text\n.balign 4096\n" WORK FILLER(twin_filler) ".balign 4096\n");
#else
__asm__(".text\n.balign 4096\n" FILLER(twin_filler) ".balign 4096\n" WORK);
#endif

void twin_work(unsigned long turns);

int main(int argc, char **argv)
{
	twin_work(1000 * (argc > 1 ? strtoul(argv[1], NULL, 10) : 300));
	return 0;
}
