/*
 * The table. An argument that is written "one|two" lists its values: the completions of the shells
 * offer them, as they do files for FILE, users for USER, processes for PID and events for EVENT.
 */
#include "record/options.h"

#include "record/given.h"
#include "record/options_long.h"
#include "record/options_set.h"

/* Of rows for another program: what is wrong with them in the environment is only warned about. */
enum {
	FOR_UPLOAD = OF_UPLOAD | GIVEN_LENIENT,
	FOR_REPORT = OF_REPORT | GIVEN_LENIENT,
	FOR_LIBRARY = OF_LIBRARY | GIVEN_LENIENT,
	FOR_NOTHING = OF_NOTHING | GIVEN_LENIENT,
};

const struct opt options_table[] = {
	{ 0, "", NULL, NULL, NULL, NULL, "What to record", 0 },
	{ 'p', "pid", "PID[,PID...]", NULL, NULL, set_pids,
	  "attach to processes: all their threads, and what these start", OPT_MANY },
	{ 'a', "all", NULL, NULL, NULL, set_all, "record the whole system", OPT_SWITCH },
	{ 'g', "global", NULL, NULL, NULL, set_all, "the same as --all", OPT_SWITCH },
	{ 'e', "event", "EVENT", "DD_PROFILING_NATIVE_EVENTS", "sCPU", set_event,
	  "what to sample, like 'sCPU f=199;sPF'; may be repeated; 'help' lists them", OPT_MANY },
	{ 0, "preset", "default|cpu_only|alloc_only|cpu_live_heap|alloc_live_heap",
	  "DD_PROFILING_NATIVE_PRESET", NULL, set_preset,
	  "events by the name of a list; see -e help", 0 },
	{ 'F', "frequency", "HZ", "DDPROF_FREQUENCY", "99", set_frequency,
	  "samples a second of a running thread", 0 },
	{ 0, "inherit", "yes|no", NULL, "yes", set_inherit,
	  "also threads and processes that are started later", 0 },
	{ 0, "stacks", "scrubbed|raw|none", NULL, "scrubbed", set_stacks,
	  "user stacks: scrubbed keeps only words that point into code or the stack", 0 },
	{ 0, "stack-size", "BYTES", "DD_PROFILING_SAMPLE_STACK_USER", NULL, set_stack_size,
	  "stack to copy for each sample (default: as much as the rings take, up to 65528)", 0 },
	{ 0, "stack-sample-size", "BYTES", NULL, NULL, set_stack_size, "the same as --stack-size",
	  0 },
	{ 0, "embed", "none|unwind|symbols|full", NULL, "symbols", set_embed,
	  "of the files met: nothing, unwind tables, and names, or whole files", 0 },
	{ 0, "enable", "yes|no", "DD_PROFILING_ENABLED", "yes", set_enable,
	  "no: COMMAND runs without being recorded", 0 },

	{ 0, "", NULL, NULL, NULL, NULL, "How long, and where it goes", 0 },
	{ 'o', "output", "FILE", NULL, "ddprof.data", set_output,
	  "file to write; '-' is standard output", 0 },
	{ 0, "duration", "TIME", NULL, NULL, set_duration,
	  "stop recording after so long: 30 (seconds), 5m, 1h", 0 },
	{ 0, "max-time", "TIME", NULL, NULL, set_duration, "the same as --duration", 0 },
	{ 0, "max-size", "SIZE", NULL, NULL, set_max_size,
	  "stop recording when so much is written: 64K, 100M, 1G", 0 },
	{ 0, "sync", "TIME|off", "DDPROF_SYNC", "10s", set_sync,
	  "have what was recorded on the disk after so long, also if power fails", 0 },
	{ 0, "rotate", "SIZE|TIME[:KEEP]", "DDPROF_ROTATE", NULL, set_rotate,
	  "begin a new file FILE.000001, ... after so much (64M) or so long (5m); keep KEEP of "
	  "them",
	  0 },
	{ 0, "last", "TIME|SIZE", "DDPROF_LAST", NULL, set_last,
	  "keep only the last 60s or 64M, in memory; written at the end, on SIGUSR2 and by "
	  "'ddprof-record snapshot PID'",
	  0 },
	{ 0, "trigger-cpu", "PERCENT[:TIME]", NULL, NULL, set_trigger_cpu,
	  "with --last: write it when the CPU use was above PERCENT of one CPU for TIME (5s)", 0 },
	{ 0, "start-paused", NULL, NULL, "no", set_start_paused,
	  "take no samples before --control says 'enable'", OPT_SWITCH },
	{ 0, "control", "fifo:CTL[,ACK]|fd:CTL[,ACK]", NULL, NULL, set_control,
	  "commands while it runs: enable, disable, ping, snapshot, stop; answered by 'ack'", 0 },

	{ 0, "", NULL, NULL, NULL, NULL, "COMMAND and the recorder as processes", 0 },
	{ 0, "switch-user", "USER", "DD_PROFILING_SWITCH_USER", NULL, set_user,
	  "COMMAND runs as this user, or UID:GID", 0 },
	{ 0, "max-overhead", "PERCENT|off", "DDPROF_MAX_OVERHEAD", "3", set_max_overhead,
	  "of one CPU that the recorder may use; above it fewer samples are kept", 0 },
	{ 0, "nice", "NUMBER", "DD_PROFILING_NICE", NULL, set_nice,
	  "nice value of the recorder, not of COMMAND; -1 leaves it", 0 },
	{ 0, "cpu-affinity", "MASK", "DD_PROFILING_CPU_AFFINITY", NULL, set_cpus,
	  "CPUs of the recorder, in hexadecimal", 0 },

	{ 0, "", NULL, NULL, NULL, NULL, "Messages and configuration", 0 },
	{ 'v', "verbose", NULL, NULL, NULL, set_verbose, "say more", OPT_SWITCH },
	{ 'l', "log-level", "error|warn|notice|informational|debug",
	  "DD_PROFILING_NATIVE_LOG_LEVEL", "notice", set_log_level, "what is said", 0 },
	{ 0, "log-mode", "stderr|stdout|syslog|disabled|FILE", "DD_PROFILING_NATIVE_LOG_MODE",
	  "stderr", set_log_output, "where messages go", 0 },
	{ 0, "config", "FILE", "DD_PROFILING_NATIVE_CONFIG", "./ddprof.toml", accept_config,
	  "defaults of options, unless 'none'", GIVEN_NOT_IN_FILE },
	{ 0, "show-config", NULL, "DD_PROFILING_SHOW_CONFIG", NULL, set_show_config,
	  "say all options and where each comes from", OPT_SWITCH },
	{ 0, "capture-config", "FILE", NULL, NULL, set_capture,
	  "write what was given as a configuration file", GIVEN_NOT_IN_FILE },
	{ 0, "completion", "bash|zsh|fish", NULL, NULL, set_completion,
	  "print a script for the shell and exit", OPT_HIDDEN | GIVEN_NOT_IN_FILE },
	{ 'h', "help", NULL, NULL, NULL, set_help, "print this and exit", GIVEN_NOT_IN_FILE },
	{ 0, "help-extended", NULL, NULL, NULL, set_help, "the same as --help",
	  OPT_HIDDEN | GIVEN_NOT_IN_FILE },
	{ 0, "version", NULL, NULL, NULL, set_version, "print the version and exit",
	  GIVEN_NOT_IN_FILE },

	{ 0, "", NULL, NULL, NULL, NULL, "Kept in the recording", 0 },
	{ 'S', "service", "NAME", "DD_SERVICE", NULL, set_service, "name of the service",
	  GIVEN_LENIENT },
	{ 'E', "environment", "NAME", "DD_ENV", NULL, set_environment, "where it runs, like 'prod'",
	  GIVEN_LENIENT },
	{ 'V', "service-version", "TEXT", "DD_VERSION", NULL, set_service_version,
	  "version of the service", GIVEN_LENIENT },
	{ 'T', "tags", "KEY:VALUE[,...]", "DD_TAGS", NULL, set_tags, "more about it",
	  GIVEN_LENIENT },

	{ 0, "", NULL, NULL, NULL, NULL,
	  "Accepted, but without effect here: they belong to 'ddprof-report upload'", 0 },
	{ 'U', "url", "URL", "DD_TRACE_AGENT_URL", NULL, accept_text, "of the agent", FOR_UPLOAD },
	{ 'H', "host", "NAME", "DD_AGENT_HOST", NULL, accept_text, "of the agent", FOR_UPLOAD },
	{ 'P', "port", "NUMBER", "DD_TRACE_AGENT_PORT", NULL, accept_port, "of the agent",
	  FOR_UPLOAD },
	{ 'u', "upload-period", "SECONDS", "DD_PROFILING_UPLOAD_PERIOD", NULL, accept_number,
	  "between uploads", FOR_UPLOAD },
	{ 0, "api-key", "KEY", "DD_API_KEY", NULL, accept_secret, "of the account",
	  FOR_UPLOAD | OPT_SECRET },
	{ 0, "agentless", "yes|no", "DD_PROFILING_AGENTLESS", NULL, accept_switch,
	  "upload without an agent", FOR_UPLOAD },
	{ 0, "do-export", "yes|no", "DD_PROFILING_DO_EXPORT", NULL, accept_switch,
	  "whether to upload", FOR_UPLOAD },
	{ 0, "runtime-id", "UUID", "DD_PROFILING_RUNTIME_ID", NULL, accept_text,
	  "of the profiled process", FOR_UPLOAD },
	{ 0, "remote-symbolization", NULL, "DD_PROFILING_REMOTE_SYMBOLIZATION", NULL, accept_switch,
	  "names are found after the upload", FOR_UPLOAD | OPT_SWITCH },

	{ 0, "", NULL, NULL, NULL, NULL, "... to the views of ddprof-report", 0 },
	{ 'I', "inlined-functions", "yes|no", "DD_PROFILING_INLINED_FUNCTIONS", NULL, accept_switch,
	  "show: --inline", FOR_REPORT },
	{ 0, "timeline", NULL, "DD_PROFILING_TIMELINE_ENABLE", NULL, accept_switch,
	  "times of samples are always recorded; show: --time", FOR_REPORT | OPT_SWITCH },
	{ 0, "show-samples", NULL, "DD_PROFILING_SHOW_SAMPLES", NULL, accept_switch,
	  "show: --folded, one line a stack", FOR_REPORT | OPT_SWITCH },
	{ 0, "disable-symbolization", NULL, "DD_PROFILING_DISABLE_SYMBOLIZATION", NULL,
	  accept_switch, "show: --by address", FOR_REPORT | OPT_SWITCH },
	{ 0, "debug-pprof-prefix", "PATH", "DD_PROFILING_PPROF_PREFIX", NULL, accept_text,
	  "export: --output", FOR_REPORT },

	{ 0, "", NULL, NULL, NULL, NULL, "... to libdd_profiling", 0 },
	{ 0, "socket", "PATH", "DD_PROFILING_NATIVE_SOCKET", NULL, accept_text,
	  "where the library finds the recorder", FOR_LIBRARY },
	{ 0, "pipefd", "NUMBER", "DD_PROFILING_PIPEFD", NULL, accept_number,
	  "descriptor of the library", FOR_LIBRARY },
	{ 0, "initial-loaded-libs-check-delay", "MILLISECONDS",
	  "DD_PROFILING_INITIAL_LOADED_LIBS_CHECK_DELAY", NULL, accept_number,
	  "until the first look for new libraries", FOR_LIBRARY },
	{ 0, "loaded-libs-check-interval", "MILLISECONDS",
	  "DD_PROFILING_LOADED_LIBS_CHECK_INTERVAL", NULL, accept_number,
	  "between looks for new libraries", FOR_LIBRARY },

	{ 0, "", NULL, NULL, NULL, NULL, "... to nothing that is needed here", 0 },
	{ 0, "worker-period", "UPLOADS", "DD_PROFILING_WORKER_PERIOD", NULL, accept_number,
	  "there is no worker to restart", FOR_NOTHING },
	{ 'b', "internal-stats", "PATH", "DD_PROFILING_INTERNAL_STATS", NULL, accept_text,
	  "the recording has the counters; ddprof-report info shows them", FOR_NOTHING },
	{ 0, "fault-info", "yes|no", "DD_PROFILING_FAULT_INFO", NULL, accept_switch,
	  "a recording is readable up to wherever it ended", FOR_NOTHING },
	{ 0, "reorder-events", NULL, "DD_PROFILING_REORDER_EVENTS", NULL, accept_switch,
	  "events are always in order", FOR_NOTHING | OPT_SWITCH },
	{ 0, "maximum-pids", "NUMBER", "DD_PROFILING_MAXIMUM_PIDS", NULL, accept_number,
	  "processes are not limited", FOR_NOTHING },
	{ 0, NULL, NULL, NULL, NULL, NULL, NULL, 0 },
};

const struct opt_usage options_usage = {
	.program = "ddprof-record",
	.synopsis = "ddprof-record [options] [--] COMMAND...\n"
		    "ddprof-record [options] -p PID[,PID...]\n"
		    "ddprof-record [options] -a\n"
		    "ddprof-record doctor [PID|PROGRAM]\n"
		    "ddprof-record snapshot PID",
	.summary = "Records where processes spend their CPU time, into one file for ddprof-report.",
	.epilogue = "COMMAND's exit status is passed on; 125: ddprof-record failed, "
		    "2: wrong usage, 126: COMMAND may not be executed, 127: it was not found.\n"
		    "Trouble: 'ddprof-record doctor' tries what a recording needs; "
		    "ddprof(7) lists messages.",
};
