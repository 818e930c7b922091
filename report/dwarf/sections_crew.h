/*
 * Threads that unpack several sections side by side. Private to report/dwarf/.
 * They allocate nothing but the memory for the bytes, and have small stacks: the jail counts
 * address space.
 */
#ifndef REPORT_DWARF_SECTIONS_CREW_H
#define REPORT_DWARF_SECTIONS_CREW_H

struct sections_crew;
struct sections_file;
struct slot;

enum {
	CREW_WORTH_BYTES = 256 << 10, /* less is unpacked before a thread has started */
	CREW_THREADS_MAX = 4,
};

/*
 * Takes slots that are SLOT_NEW and packed, begins with the first. n_threads 0: by CPUs. NULL: no
 * thread could be started, the slots are as they were.
 */
struct sections_crew *sections_crew_new(const struct sections_file *f, struct slot *const *slot,
					unsigned int n, unsigned int n_threads);
/* Waits for those at work. */
void sections_crew_free(struct sections_crew *crew);

/*
 * Until the slot is out of the crew's hands: full, failed, or taken back as SLOT_NEW because nobody
 * had begun with it. While it waits, packed pages that were read are given back: the 124 MB of a
 * packed .debug_info beside the 257 MB that come out of it would be the peak of memory.
 */
void sections_crew_await(struct sections_crew *crew, struct slot *slot);

#endif
