/* The verb `ddprof-record snapshot PID...`: asks recorders to write what --last keeps. */
#ifndef RECORD_SNAPSHOT_H
#define RECORD_SNAPSHOT_H

/* argv[0] is the verb. An exit status. */
int snapshot_run(int argc, char **argv);

#endif
