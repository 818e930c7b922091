#!/bin/sh
# Who may include whom. Includes start at the root, so each line shows the layer it reaches.
# The table says for each room what it may include beside itself; root files of record/ and report/
# (main, session, pipeline, cmd_*) may include every room of theirs.
set -eu
cd "${DDPROF_SRC:-$(dirname "$0")/../..}"

find common record report -name '*.[ch]' | LC_ALL=C sort | xargs awk '
BEGIN {
	may["common/base"] = ""
	may["common/format"] = "common/base common/elf"
	may["common/elf"] = "common/base common/format"
	may["common/space"] = "common/base common/format"
	may["record"] = "common record"
	may["record/lib"] = "common/format"
	may["record/doctor"] = "common record/gate record/kernel record/watcher"
	may["record/inspect"] = "common record/harden"
	may["record/kernel"] = "common record/gate record/watcher"
	may["record/*"] = "common"
	may["report"] = "common report"
	may["report/read"] = "common"
	may["report/model"] = "common"
	may["report/unwind"] = "common report/jit report/model"
	may["report/jail"] = "common"
	may["report/jit"] = "common"
	may["report/debug"] = "common report/model report/net report/jail"
	may["report/dwarf"] = "common report/symbol"
	may["report/symbol"] = "common report/model report/debug report/dwarf report/jail report/unwind"
	may["report/profile"] = "common report/model report/symbol report/unwind"
	may["report/export"] = "common report/profile"
	may["report/store"] = "common report/profile"
	may["report/net"] = "common"
}
function room_of(path,	parts, n) {
	n = split(path, parts, "/")
	return n > 2 ? parts[1] "/" parts[2] : parts[1]
}
function allowed(room, to,	list, parts, n, i) {
	if (to == room || to ~ "^" room "/.*" && room !~ "/")
		return 1
	list = room in may ? may[room] : may[substr(room, 1, index(room, "/")) "*"]
	n = split(list, parts, " ")
	for (i = 1; i <= n; i++)
		if (to == parts[i] || index(to, parts[i] "/") == 1)
			return 1
	return 0
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	to = quoted[2]
	if (to == "config.h")
		next
	if (to !~ /^(common|record|report)\//) {
		printf "%s:%d: include \"%s\" does not start at the root\n", FILENAME, FNR, to
		bad = 1
	} else if (!allowed(room_of(FILENAME), room_of(to))) {
		printf "%s:%d: %s may not include %s\n", FILENAME, FNR, room_of(FILENAME), to
		bad = 1
	}
}
END { exit bad }'
