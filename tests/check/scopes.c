/*
 * libdw where ours stands, for bench/readers.py:	scopes FILE <ADDRESSES
 * Functions, inlined bodies and lines of each address, as eu-addr2line -fi asks for them:
 * dwarf_addrdie, dwarf_getscopes, dwarf_getsrc_die. Prints how many were found, so that nobody is
 * fast by finding nothing. (libdwarf has functions of the same names: tests/check/dwarf -r.)
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct found {
	unsigned long functions, inlined, lines;
};

static const char *name_of(Dwarf_Die *die)
{
	Dwarf_Attribute attr;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attr))
		return dwarf_formstring(&attr);
	return dwarf_diename(die);
}

static void ask(Dwarf *dw, Dwarf_Addr addr, struct found *found)
{
	Dwarf_Die unit, *scope = NULL;
	Dwarf_Line *line;
	int n, number;

	if (!dwarf_addrdie(dw, addr, &unit))
		return;
	line = dwarf_getsrc_die(&unit, addr);
	found->lines += line && dwarf_lineno(line, &number) == 0 && dwarf_linesrc(line, NULL, NULL);
	n = dwarf_getscopes(&unit, addr, &scope);
	for (int i = 0; i < n; i++) {
		int tag = dwarf_tag(&scope[i]);

		if (tag == DW_TAG_inlined_subroutine)
			found->inlined += name_of(&scope[i]) != NULL;
		if (tag == DW_TAG_subprogram) {
			found->functions += name_of(&scope[i]) != NULL;
			break;
		}
	}
	free(scope);
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	Dwarf *dw = fd < 0 ? NULL : dwarf_begin(fd, DWARF_C_READ);
	struct found found = { 0 };
	char line[128];

	if (!dw) {
		fprintf(stderr, "scopes: cannot use %s\n", argv[argc - 1]);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin))
		ask(dw, strtoull(line, NULL, 16), &found);
	printf("%lu functions, %lu inlined, %lu lines\n", found.functions, found.inlined,
	       found.lines);
	dwarf_end(dw);
	close(fd);
	return 0;
}
