/* Setters of the option table: text -> struct options, checked. Private to options*.c. */
#ifndef RECORD_OPTIONS_SET_H
#define RECORD_OPTIONS_SET_H

#include "common/base/opt.h"

enum { TAG_BYTES_MAX = 200, TAGS_BYTES_MAX = 2000 };

opt_set set_pids, set_all, set_output, set_frequency, set_count, set_event, set_preset, set_stacks,
	set_stack_size, set_embed, set_inherit, set_enable;
opt_set set_user, set_nice, set_realtime, set_cpus, set_max_overhead;
opt_set set_verbose, set_log_level, set_log_output, set_show_config, set_capture, set_help,
	set_help_extended, set_version, set_completion;
opt_set set_service, set_environment, set_service_version, set_tags;
/* perf's ways to say it. */
opt_set set_no_inherit, set_quiet, set_call_graph;
/* Of other programs: checked, kept for --show-config, otherwise without effect. */
opt_set accept_text, accept_secret, accept_number, accept_seconds, accept_port, accept_switch;
/* --config: has its effect before any setter runs. */
opt_set accept_config;

#endif
