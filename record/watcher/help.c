/* -e help: the section titles are the model's. */
#include "record/watcher/watcher.h"

#include <inttypes.h>

static void print_kinds(FILE *out)
{
	for (const struct watcher_kind *k = watcher_kinds(); k->name; k++)
		fprintf(out, "  %-7s %-23s %s (%s %" PRIu64 "%s)\n", k->name,
			k->alias ? k->alias : "", k->what, k->is_frequency ? "at" : "every",
			k->rate,
			k->is_frequency		    ? " Hz" :
			k->class == WATCHER_LIBRARY ? " bytes" :
						      "");
}

void watchers_print_help(FILE *out)
{
	fputs("Event Configuration Documentation\n"
	      "\n"
	      "General Syntax\n"
	      "  EVENT[,KEY=VALUE...][;EVENT...]   blanks separate as commas do\n"
	      "\n"
	      "Common Examples\n"
	      "  -e sCPU                           time on a CPU, 99 samples a second\n"
	      "  -e 'sCPU f=199'                   more of them\n"
	      "  -e 'sCPU;sPF'                     page faults as well\n"
	      "  -e offcpu                         where threads sleep and wait\n"
	      "  -e sched:sched_process_exec       a tracepoint\n"
	      "  -e 'sys:name,raw_offset=16,raw_size=4'   weighted by a field of its record\n"
	      "  -e 'sALLOC,mode=l'                live heap (libdd_profiling)\n"
	      "\n"
	      "Event Types (perf's names are taken as well)\n",
	      out);
	print_kinds(out);
	fputs("  GROUP:NAME                      a tracepoint of the kernel (every 1)\n"
	      "  NAME:u                          user code alone\n"
	      "\n"
	      "Configuration Keys\n"
	      "  e, event, eventname, ev         name, or GROUP:NAME\n"
	      "  g, group, groupname, gr         group of a tracepoint\n"
	      "  i, id                           number of a tracepoint: needs no tracefs\n"
	      "  l, label                        what to call it in reports\n"
	      "  p, period, per                  events between samples\n"
	      "  f, frequency, freq              samples a second\n"
	      "  s, value_scale, scale           factor of each sample's value\n"
	      "  n, arg_num, argno               value: the function's argument 1 to 6 (7: arm64)\n"
	      "  r, register, regno              value: a register\n"
	      "  o, raw_offset, rawoff           value: at this offset of the tracepoint's record\n"
	      "  z, raw_size, rawsz              its size: 1, 2, 4 or 8 bytes (default 8)\n"
	      "  m, mode                         s sum, l live, a all: of sALLOC\n"
	      "  st, stack_sample_size, stcksz   stack to copy, bytes\n"
	      "\n"
	      "Presets (--preset)\n"
	      "  default, cpu_only, alloc_only, cpu_live_heap, alloc_live_heap\n",
	      out);
}
