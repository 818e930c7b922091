/*
 * `ddprof-record doctor`: what a recording would be like here, and what stands in its way; found
 * by doing it, without keeping anything. Door of the room.
 *
 *	doctor                          this host, this user
 *	doctor PID, doctor PROGRAM      and this one target
 *	doctor --bundle=FILE.tar.zst    what a support ticket asks for, secrets masked
 */
#ifndef RECORD_DOCTOR_H
#define RECORD_DOCTOR_H

enum { DOCTOR_CANNOT = 1, DOCTOR_USAGE = 2 };

/*
 * argv[0] is "doctor". The exit status: 0 it can be recorded (the bundle was written),
 * DOCTOR_CANNOT it cannot (was not), DOCTOR_USAGE.
 */
int doctor_run(int argc, char **argv);

#endif
