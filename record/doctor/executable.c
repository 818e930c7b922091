/*
 * Headers are read by hand first, as common/elf/ refuses what it cannot use without saying what it
 * is: a program of another machine deserves to be called that.
 */
#include "record/doctor/target.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/elf/image.h"
#include "common/format/unsampled.h"
#include "record/doctor/checks.h"

enum { PHDRS_LOOKED_AT = 64 };

static const struct {
	uint16_t machine;
	const char *name; /* as uname says it */
} machines[] = {
	{ EM_X86_64, "x86_64" }, { EM_AARCH64, "aarch64" }, { EM_386, "i386" },
	{ EM_ARM, "arm" },	 { EM_RISCV, "riscv64" },   { EM_PPC64, "ppc64" },
	{ EM_S390, "s390x" },	 { EM_MIPS, "mips" },
};

static const char *machine_name(uint16_t machine, char *text, size_t cap)
{
	for (size_t i = 0; i < N_ELEMENTS(machines); i++)
		if (machines[i].machine == machine)
			return machines[i].name;
	snprintf(text, cap, "machine %u", machine);
	return text;
}

/* Names of runtimes' files: how they begin; what follows may be a version or an ending. */
static const struct {
	const char *begin, *runtime, *advice;
} runtimes[] = {
	{ "libjvm.so", "JVM",
	  "-XX:+PreserveFramePointer, and from JDK 17 on 'jcmd PID Compiler.perfmap'" },
	{ "node", "node", "--perf-basic-prof" },
	{ "libnode.so", "node", "--perf-basic-prof" },
	{ "libcoreclr.so", ".NET", "DOTNET_PerfMapEnabled=1 in its environment" },
	{ "libjulia", "Julia", "ENABLE_JITPROFILING=1 in its environment" },
	{ "libluajit", "LuaJIT", "a build with LUAJIT_USE_PERFTOOLS" },
	{ "luajit", "LuaJIT", "a build with LUAJIT_USE_PERFTOOLS" },
	{ "libpython3.", "Python", "-X perf, from 3.12 on" },
	{ "python3", "Python", "-X perf, from 3.12 on" },
	{ "beam.smp", "Erlang", "+JPperf true" },
	{ "wasmtime", "wasmtime", "--profile=perfmap" },
	{ "php", "PHP", "opcache.jit_debug=0x10" },
};

const char *runtime_hint(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < N_ELEMENTS(runtimes); i++) {
		size_t n = strlen(runtimes[i].begin);
		char next = strncmp(name, runtimes[i].begin, n) ? 'x' : name[n];

		if (next && !strchr("-._", next) && !isdigit((unsigned char)next))
			continue;
		*ret_name = runtimes[i].runtime;
		return runtimes[i].advice;
	}
	return NULL;
}

/* No interpreter: static. -1: not known. */
static int is_static(int fd, const Elf64_Ehdr *eh)
{
	Elf64_Phdr ph[PHDRS_LOOKED_AT];
	size_t n = MIN(eh->e_phnum, (size_t)PHDRS_LOOKED_AT);

	if (eh->e_phentsize != sizeof(ph[0]) ||
	    io_pread(fd, ph, n * sizeof(ph[0]), eh->e_phoff) != (ssize_t)(n * sizeof(ph[0])))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (ph[i].p_type == PT_INTERP)
			return 0;
	return 1;
}

static void look_at_linking(int fd, const Elf64_Ehdr *eh, struct checks *c)
{
	int alone = is_static(fd, eh);

	if (alone < 0) {
		checks_add(c, CHECK_TARGET, GATE_NOT_KNOWN, "linked", "program headers unreadable");
		return;
	}
	struct check *k = checks_add(c, CHECK_TARGET, GATE_OPEN, "linked", "%s",
				     alone ? "statically" : "dynamically");
	if (alone)
		check_means(k, "nothing can be preloaded: no allocation profiles");
}

/* True: this machine runs it by itself. */
static bool look_at_machine(const Elf64_Ehdr *eh, bool running, struct checks *c)
{
	char text[24];
	const char *name = machine_name(load_le16(&eh->e_machine), text, sizeof(text));
	struct utsname uts;

	if (eh->e_ident[EI_CLASS] != ELFCLASS64) {
		struct check *k =
			checks_add(c, CHECK_TARGET, GATE_LIMITED, "machine", "%s, 32 bits", name);

		check_means(k, "stacks of 32-bit programs are not followed, names not found");
		return true;
	}
	if (running || uname(&uts) < 0 || !strcmp(uts.machine, name)) {
		checks_add(c, CHECK_TARGET, GATE_OPEN, "machine", "%s", name);
		return true;
	}
	struct check *k = checks_add(c, CHECK_TARGET, GATE_CLOSED, "machine", "%s", name);
	check_means(k, "this host is %s: 'Exec format error', or an emulator is what is recorded",
		    uts.machine);
	check_remedy(k, "record it on a host of its machine");
	return false;
}

static bool has_part(const struct elf_image *image, enum elf_part_kind kind)
{
	const struct elf_part *part = elf_image_part(image, kind);

	return part && part->size > 0;
}

static void look_at_names(const struct elf_image *image, struct checks *c)
{
	struct check *k;

	if (has_part(image, ELF_PART_SYMTAB)) {
		checks_add(c, CHECK_TARGET, GATE_OPEN, "symbols", "full table");
		return;
	}
	if (has_part(image, ELF_PART_DEBUGDATA)) {
		checks_add(c, CHECK_TARGET, GATE_OPEN, "symbols", "packed table (MiniDebugInfo)");
		return;
	}
	k = checks_add(c, CHECK_TARGET, GATE_LIMITED, "symbols", "stripped");
	if (has_part(image, ELF_PART_DYNSYM))
		check_means(k, "only exported functions have names in it");
	else
		check_means(k, "no function has a name in it");
	if (image->build_id.n)
		check_remedy(k, "its debug package where the report runs, or debuginfod: found by "
				"build-id");
	else
		check_remedy(k, "keep an unstripped copy, and link with -Wl,--build-id");
}

static void look_at_unwinding(const struct elf_image *image, struct checks *c)
{
	if (has_part(image, ELF_PART_EH_FRAME) || has_part(image, ELF_PART_DEBUG_FRAME)) {
		checks_add(c, CHECK_TARGET, GATE_OPEN, "unwind tables", "%s",
			   has_part(image, ELF_PART_EH_FRAME) ? ".eh_frame" : ".debug_frame");
		return;
	}
	struct check *k = checks_add(c, CHECK_TARGET, GATE_LIMITED, "unwind tables", "none");
	check_means(k, "stacks are followed by frame pointers alone, if it has them");
	check_remedy(k, "compile with -fasynchronous-unwind-tables or -fno-omit-frame-pointer");
}

static void look_inside(int fd, struct checks *c)
{
	static struct elf_image image;
	struct err err = { .code = 0 };

	if (elf_image_read(fd, ELF_TAKE_UNWIND | ELF_TAKE_SYMBOLS, &image, &err) < 0) {
		struct check *k = checks_add(c, CHECK_TARGET, GATE_LIMITED, "contents", "%s",
					     strerror(-err.code));

		check_means(k, "%s", err.text);
		return;
	}
	look_at_names(&image, c);
	look_at_unwinding(&image, c);
	checks_add(c, CHECK_TARGET, image.build_id.n ? GATE_OPEN : GATE_LIMITED, "build-id", "%s",
		   image.build_id.n ? "there" : "none: its debug files cannot be found by it");
	elf_image_done(&image);
}

/* Programs that gain rights when they start: the kernel ends the events of the task. */
static void look_at_rights(int fd, const struct stat *st, struct checks *c)
{
	enum unsampled_reason why = st->st_mode & S_ISUID ? UNSAMPLED_SETUID :
				    st->st_mode & S_ISGID && st->st_mode & S_IXGRP ?
							    UNSAMPLED_SETGID :
							    UNSAMPLED_CAPABILITIES;
	ssize_t n =
		why == UNSAMPLED_CAPABILITIES ? fgetxattr(fd, "security.capability", NULL, 0) : 1;

	if (n < 0 && errno != ENODATA && errno != ENOTSUP) {
		checks_add(c, CHECK_TARGET, GATE_NOT_KNOWN, "rights by the file", "%s",
			   strerror(errno));
		return;
	}
	if (n <= 0)
		return;
	bool gains = why == UNSAMPLED_SETUID ? st->st_uid != geteuid() :
		     why == UNSAMPLED_SETGID ? st->st_gid != getegid() :
					       geteuid() != 0;
	struct check *k = checks_add(c, CHECK_TARGET, gains ? GATE_CLOSED : GATE_OPEN,
				     "rights by the file", "%s", unsampled_reason_text(why));
	if (gains) {
		check_means(k, "the kernel ends sampling when it starts, also of what it starts");
		check_remedy(k, "record the whole system (-a) as root, or a copy of it without "
				"these rights");
	}
}

bool executable_look(int fd, bool running, struct checks *c)
{
	Elf64_Ehdr eh;
	struct stat st;
	ssize_t n = fstat(fd, &st) < 0 ? -errno : io_pread(fd, &eh, sizeof(eh), 0);

	if (n < 0) {
		checks_add(c, CHECK_TARGET, GATE_NOT_KNOWN, "contents", "%s", strerror((int)-n));
		return false;
	}
	if (!S_ISREG(st.st_mode) || n != (ssize_t)sizeof(eh) ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	bool runs = look_at_machine(&eh, running, c);
	look_at_rights(fd, &st, c);
	if (eh.e_ident[EI_CLASS] == ELFCLASS64 && eh.e_ident[EI_DATA] == ELFDATA2LSB) {
		look_at_linking(fd, &eh, c);
		look_inside(fd, c);
	}
	return runs;
}
