/*
 * The id of a .dwo file's unit: in the unit's header since DWARF 5, before that an attribute of
 * its root entry. Private to report/debug/.
 * Source: DWARF 5, 7.5.1.2 and 7.5.3; GNU DebugFission, DW_AT_GNU_dwo_id.
 */
#ifndef REPORT_DEBUG_DWOID_H
#define REPORT_DEBUG_DWOID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * info, abbrev: the first bytes of .debug_info.dwo and .debug_abbrev.dwo, unpacked. A few KiB are
 * enough unless type units come first, or in version 4 the root's abbreviation is late in its
 * table.
 * False: no id in these bytes, or they make no sense.
 */
bool dwoid_find(const uint8_t *info, size_t n_info, const uint8_t *abbrev, size_t n_abbrev,
		uint64_t *ret);

#endif
