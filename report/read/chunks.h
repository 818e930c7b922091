/* ddprof.data as a recording. Private to the room. */
#ifndef REPORT_READ_CHUNKS_H
#define REPORT_READ_CHUNKS_H

#include <stdint.h>

struct part;
struct recording;

/* Parts of one recording, in order; they and the array (of the heap) are taken. n at least 1. */
struct recording *chunks_open(struct part *part, uint32_t n);

#endif
