/* Placeholder until the program is here. */
#include <stdio.h>

int main(void)
{
	puts("ddprof-record: not yet written");
	return 1;
}
