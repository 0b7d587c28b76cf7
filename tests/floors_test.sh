#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tests/floors.sh says what it is there to say: each rule is broken once, in a copy of the sources.
set -u -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d /tmp/oxfloors.XXXXXX)
trap 'rm -rf "$work"' EXIT
failed=0

# With this line at the end of the file, and with those files beside it, floors.sh fails and says that.
expect() {
	local file=$1 line=$2 says=$3 output
	shift 3
	rm -rf "$work/tree" && mkdir "$work/tree"
	cp -r "$here"/../{bpf,client,daemon,db} "$work/tree"
	mkdir -p "$work/tree/${file%/*}"
	echo "$line" >>"$work/tree/$file"
	[ $# = 0 ] || (cd "$work/tree" && for one; do echo 'int one;' >"$one"; done)
	if output=$("$here/floors.sh" "$work/tree"); then
		echo "nothing was said of $line in $file"
		failed=1
	elif ! grep -qF "$says" <<<"$output"; then
		echo "of $line in $file it was not said '$says', but: $output"
		failed=1
	fi
}

"$here/floors.sh" || failed=1
# Up, within a program.
expect daemon/process/maps.c '#include "daemon/sampler/sampler.h"' 'daemon/process includes daemon/sampler/sampler.h'
# Into another program.
expect client/top/top.c '#include "daemon/sampler/sampler.h"' 'client/top includes daemon/sampler/sampler.h'
expect daemon/resolver/resolver.c '#include "daemon/symbolizer/elf/symbols.h"' 'daemon/resolver includes'
expect daemon/symbolizer/main.c '#include "daemon/process/maps.h"' 'daemon/symbolizer includes'
# Aside: what two programs share is below both.
expect daemon/base/table.c '#include "db/store.h"' 'daemon/base includes db/store.h'
# What the build makes lies in a folder, too.
expect client/base/text.c '#include "daemon/base/export.pb-c.h"
#include "client/report/pprof.pb-c.h"' 'client/base includes client/report/pprof.pb-c.h'
expect daemon/bus/read.c '#include "read.h"' 'say its folder'
expect daemon/recorder/drain.c '#include "daemon/resolver/internal.h"' 'is for its own folder alone'
expect daemon/manager/run.c '#include <systemd/sd-bus.h>' 'daemon/manager does not own <systemd/sd-bus.h>'
expect daemon/query/engine.c '#include <sqlite3.h>' 'daemon/query does not own <sqlite3.h>'
expect daemon/new/new.c 'int new;' 'its folder is in no program'
expect client/top/new.c 'int new;' 'its folder has more than 15 .c files' client/top/{1,2,3}.c
[ "$failed" = 0 ] && echo "floors.sh: each rule holds"
exit "$failed"
