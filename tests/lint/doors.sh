#!/bin/sh
# From outside a room only its door may be included: the header with the room's own name.
# Every header of common/ is a door. Doors beside that are listed here, each with its reason.
set -eu
cd "${DDPROF_SRC:-$(dirname "$0")/../..}"

find record report -name '*.[ch]' | LC_ALL=C sort | xargs awk '
BEGIN {
	door["report/dwarf/sections.h"] = "addr2line asks where the section of --section is"
	door["report/symbol/answer.h"] = "what passes between dwarf, jail, cache and symbol"
	door["report/symbol/cache.h"] = "the verb that shows and prunes it, and addr2line for its index"
	door["report/symbol/supply.h"] = "addr2line has a jailed reader of its own"
	door["report/profile/annotate.h"] = "functions by source line, for the verb and the ways out"
	door["report/profile/filter.h"] = "what options choose, before anything is unwound"
	door["report/profile/merge.h"] = "profiles of different recordings as one"
	door["report/profile/view.h"] = "what the ways out show of a profile"
	door["report/read/recordings.h"] = "which files are one recording: for verbs that take several"
}
function room_of(path,	parts, n) {
	n = split(path, parts, "/")
	return n > 2 ? parts[1] "/" parts[2] : parts[1]
}
/^[ \t]*#[ \t]*include[ \t]*"(record|report)\// {
	split($0, quoted, "\"")
	to = quoted[2]
	room = room_of(to)
	n = split(to, parts, "/")
	if (room == room_of(FILENAME) || n < 3)
		next
	if (parts[3] == parts[2] ".h" || to in door)
		next
	printf "%s:%d: \"%s\" is inside %s/; its door is %s/%s.h\n", FILENAME, FNR, to, room, room, parts[2]
	bad = 1
}
END { exit bad }'
