/* Looks at files made by hand: what is said of them, and that lies do no harm. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/auto.h"
#include "record/doctor/checks.h"
#include "record/doctor/target.h"
#include "tests/unit/check.h"

static struct checks checks;
static char path[64];

static void write_file(const void *bytes, size_t n, mode_t mode)
{
	snprintf(path, sizeof(path), "/tmp/ddprof-unit-doctor.%d", (int)getpid());
	unlink(path);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	REQUIRE_TRUE(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && fchmod(fd, mode) == 0);
}

static bool look(void)
{
	memset(&checks, 0, sizeof(checks));
	checks.possible = true;
	program_look(path, &checks);
	unlink(path);
	return checks.possible;
}

static const struct check *find(const char *name)
{
	static const struct check none = { .value = "(no such check)" };

	for (size_t i = 0; i < checks.n; i++)
		if (!strcmp(checks.at[i].name, name))
			return &checks.at[i];
	return &none;
}

static Elf64_Ehdr header(uint16_t machine)
{
	Elf64_Ehdr eh = { .e_type = ET_EXEC,
			  .e_machine = machine,
			  .e_version = EV_CURRENT,
			  .e_ehsize = sizeof(eh),
			  .e_phentsize = sizeof(Elf64_Phdr) };

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	return eh;
}

static void wrong_machine(void)
{
	Elf64_Ehdr eh = header(EM_RISCV);

	write_file(&eh, sizeof(eh), 0755);
	CHECK_TRUE(!look());
	CHECK_STR(find("machine")->value, "riscv64");
	CHECK_INT(find("machine")->verdict, GATE_CLOSED);
	eh = header(0x1234);
	write_file(&eh, sizeof(eh), 0755);
	CHECK_TRUE(!look());
	CHECK_STR(find("machine")->value, "machine 4660");
}

static void narrow(void)
{
	Elf64_Ehdr eh = header(EM_386);

	eh.e_ident[EI_CLASS] = ELFCLASS32;
	write_file(&eh, sizeof(eh), 0755);
	look();
	CHECK_STR(find("machine")->value, "i386, 32 bits");
	CHECK_INT(find("machine")->verdict, GATE_LIMITED);
}

static void scripts(void)
{
	static const char shell[] = "#! /bin/sh -e\n", missing[] = "#!/no/such/thing\n",
			  env[] = "#!/usr/bin/env -S A=b sh -x\n", text[] = "echo hello\n";

	write_file(shell, sizeof(shell) - 1, 0755);
	CHECK_TRUE(look());
	CHECK_STR(find("kind")->value, "script of /bin/sh");
	CHECK_STR(find("interpreter")->value, "/bin/sh");
	write_file(env, sizeof(env) - 1, 0755);
	CHECK_TRUE(look());
	CHECK_STR(find("kind")->value, "script of sh");
	write_file(missing, sizeof(missing) - 1, 0755);
	CHECK_TRUE(!look());
	CHECK_INT(find("interpreter")->verdict, GATE_CLOSED);
	write_file(text, sizeof(text) - 1, 0755);
	CHECK_TRUE(!look());
	CHECK_STR(find("kind")->value, "neither an ELF file nor a script");
	write_file("", 0, 0755);
	CHECK_TRUE(!look());
	write_file("#!", 2, 0755);
	CHECK_TRUE(!look());
}

static void scripts_of_themselves(void)
{
	char text[128];

	snprintf(path, sizeof(path), "/tmp/ddprof-unit-doctor.%d", (int)getpid());
	snprintf(text, sizeof(text), "#!%s\n", path);
	write_file(text, strlen(text), 0755);
	CHECK_TRUE(!look());
	CHECK_HAS(checks.at[checks.n - 1].means, "the kernel refuses it");
}

static void rights(void)
{
	write_file("#!/bin/sh\n", 10, 0644);
	CHECK_TRUE(!look());
	CHECK_INT(find("may be executed")->verdict, GATE_CLOSED);
	snprintf(path, sizeof(path), "/no/such/program");
	CHECK_TRUE(!look());
	CHECK_HAS(find("program")->means, "status 127");
	snprintf(path, sizeof(path), "/");
	CHECK_TRUE(!look());
	CHECK_HAS(find("may be executed")->means, "a directory");
}

/* Each byte of the header at its extremes: said something, and no harm done. */
static void lies(void)
{
	for (size_t at = SELFMAG; at < sizeof(Elf64_Ehdr); at++)
		for (int high = 0; high < 2; high++) {
			Elf64_Ehdr eh = header(EM_X86_64);

			eh.e_phnum = 3;
			eh.e_phoff = sizeof(eh);
			((uint8_t *)&eh)[at] = high ? 0xff : 0;
			write_file(&eh, sizeof(eh), 0755);
			look();
			CHECK_TRUE(checks.n >= 1);
		}
}

static void fifo(void)
{
	snprintf(path, sizeof(path), "/tmp/ddprof-unit-doctor.%d", (int)getpid());
	unlink(path);
	REQUIRE_INT(mkfifo(path, 0755), 0);
	CHECK_TRUE(!look());
}

static void runtimes(void)
{
	const char *name = "";

	CHECK_TRUE(runtime_hint("/usr/lib/jvm/lib/server/libjvm.so", &name) != NULL);
	CHECK_STR(name, "JVM");
	CHECK_TRUE(runtime_hint("/usr/bin/node-20", &name) != NULL);
	CHECK_TRUE(runtime_hint("/usr/bin/python3.11", &name) != NULL);
	CHECK_TRUE(runtime_hint("/usr/bin/nodeenv", &name) == NULL);
	CHECK_TRUE(runtime_hint("/usr/lib/libc.so.6", &name) == NULL);
	CHECK_TRUE(runtime_hint("", &name) == NULL);
}

SUITE(doctor_executable,
	{ "a program of another machine is named", wrong_machine },
	{ "32-bit programs are limited", narrow },
	{ "scripts lead to their interpreter", scripts },
	{ "a script of itself ends as the kernel ends it", scripts_of_themselves },
	{ "what may not be executed, or is not there, is said", rights },
	{ "headers that lie do no harm", lies },
	{ "a FIFO does not block", fifo },
	{ "runtimes are known by their files", runtimes },
)
