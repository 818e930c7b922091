#include "report/jit/jit.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "common/base/bits.h"

/* Of the file's name: how it begins, and what may follow: a version, an ending. */
static const struct {
	const char *begin;
	struct jit_hint hint;
} hints[] = {
	{ "libjvm.so",
	  { "JVM", "start it with -XX:+PreserveFramePointer and, from JDK 17 on, "
		   "-XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit, or run "
		   "'jcmd PID Compiler.perfmap' while it is recorded" } },
	{ "node", { "node", "start it with --perf-basic-prof, or --perf-prof for exact times" } },
	{ "libnode.so",
	  { "node", "start it with --perf-basic-prof, or --perf-prof for exact times" } },
	{ "libcoreclr.so", { ".NET", "set DOTNET_PerfMapEnabled=1 in its environment" } },
	{ "libjulia", { "Julia", "set ENABLE_JITPROFILING=1 in its environment" } },
	{ "libluajit",
	  { "LuaJIT", "it writes a perf map only when built with LUAJIT_USE_PERFTOOLS" } },
	{ "luajit",
	  { "LuaJIT", "it writes a perf map only when built with LUAJIT_USE_PERFTOOLS" } },
	{ "libpython3.", { "Python", "from 3.12 on, start it with -X perf" } },
	{ "python3.", { "Python", "from 3.12 on, start it with -X perf" } },
	{ "beam.smp", { "Erlang", "start it with +JPperf true" } },
	{ "wasmtime", { "wasmtime", "start it with --profile=perfmap or --profile=jitdump" } },
	{ "php", { "PHP", "set opcache.jit_debug=0x10 for a perf map" } },
	{ "libpypy", { "PyPy", "it describes its code with jitlog only" } },
};

/* "node", "node-20", "libjulia-internal.so.1.10" and "python3.12", but not "nodeenv". */
static bool follows(char c)
{
	return !c || c == '-' || c == '.' || c == '_' || isdigit((unsigned char)c);
}

const struct jit_hint *jit_hint_find(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < N_ELEMENTS(hints); i++) {
		size_t n = strlen(hints[i].begin);

		if (!strncmp(name, hints[i].begin, n) && follows(name[n]))
			return &hints[i].hint;
	}
	return NULL;
}
