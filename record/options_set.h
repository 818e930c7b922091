/* Setters of the option table: text -> struct options, checked. Private to options*.c. */
#ifndef RECORD_OPTIONS_SET_H
#define RECORD_OPTIONS_SET_H

#include "common/base/opt.h"

enum { TAG_BYTES_MAX = 200, TAGS_BYTES_MAX = 2000 };

opt_set set_pids, set_all, set_output, set_frequency, set_event, set_preset, set_stacks,
	set_stack_size, set_embed, set_verbose, set_log_level, set_help, set_version,
	set_service, set_environment, set_service_version, set_tags;

#endif
