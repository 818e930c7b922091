/* Setters for long recordings, as those of options_set.h. Private to options*.c. */
#ifndef RECORD_OPTIONS_LONG_H
#define RECORD_OPTIONS_LONG_H

#include "common/base/opt.h"

opt_set set_duration, set_max_size, set_sync, set_rotate, set_last, set_trigger_cpu,
	set_start_paused, set_delay, set_control;

#endif
