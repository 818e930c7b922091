/* The verb `ddprof-record snapshot PID...`: asks recorders to write what --last keeps. */
#ifndef RECORD_SNAPSHOT_H
#define RECORD_SNAPSHOT_H

/*
 * Blocked by a recorder that can write a file when it is asked: /proc shows that to whoever wants
 * to ask. The last real-time signal, which nobody sends.
 */
enum { SNAPSHOT_MARK = 64 };

/* argv[0] is the verb. An exit status. */
int snapshot_run(int argc, char **argv);

#endif
