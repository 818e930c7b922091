/* This host and this user, and what recordings are like here. Private to the room. */
#ifndef RECORD_DOCTOR_HOST_H
#define RECORD_DOCTOR_HOST_H

struct checks;

/*
 * Adds CHECK_HOST (gates, kernel, limits, output directory) and CHECK_RECORDING (each kind tried:
 * a command, the whole system, each kind of event), the summary, and `possible`: a command can be
 * recorded. `output`: the file that would be written; "-": none.
 */
void host_look(const char *output, struct checks *ret);

#endif
