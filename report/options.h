/* The option table of ddprof-report, for all verbs. */
#ifndef REPORT_OPTIONS_H
#define REPORT_OPTIONS_H

#include "common/base/opt.h"

/* Of struct command (report/cmd.h), which is the table's ctx. */
extern const struct opt command_options[];

#endif
