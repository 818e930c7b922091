/* COMMAND without a recording: --enable=no, or where nothing that was asked for can be recorded. */
#ifndef RECORD_UNRECORDED_H
#define RECORD_UNRECORDED_H

#include "record/session.h"

/* This process becomes COMMAND. Returns an exit status when it cannot, having said why. */
int unrecorded_run(const struct session_options *options);

#endif
