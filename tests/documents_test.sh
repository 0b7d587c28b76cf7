#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
#
# tests/documents.sh says what it is there to say: each rule is broken once, in a copy of the sources.
set -u -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d /tmp/oxdocuments.XXXXXX)
trap 'rm -rf "$work"' EXIT
failed=0

# Fails unless documents.sh says that, and nothing else, of a document with this in the place of its last three
# lines.
expect() {
	local document=$work/tree/$1 text=$2 says=$3 output
	cp "$document" "$work/before"
	{ head -n -3 "$work/before" && printf '\n%s\n' "$text"; } >"$document"
	if output=$("$here/documents.sh" "$work/tree"); then
		echo "nothing was said of '$text' in $1"
		failed=1
	elif [ "$output" != "$1: $says" ]; then
		echo "of '$text' in $1 it was not said '$says', but: $output"
		failed=1
	fi
	mv "$work/before" "$document"
}

mkdir "$work/tree"
find "$here/.." -mindepth 1 -maxdepth 1 ! -name .git ! -name 'build*' -exec cp -r {} "$work/tree" ';'

"$here/documents.sh" || failed=1
expect README.md 'See [there](daemon/NONE.md).' 'daemon/NONE.md: there is no such file'
expect README.md $'See [what\nis there](daemon/README.md#none).' 'daemon/README.md#none: there is no such heading'
expect daemon/README.md '[Above](#the-cellar)' '#the-cellar: there is no such heading'
expect daemon/README.md '[Above](../README.md#cellar)' '../README.md#cellar: there is no such heading'
# Paths from the root of the tree, of a folder that is somewhere in it, and by a name alone.
expect README.md 'Open `daemon/none.c`.' 'daemon/none.c: there is no such path'
expect README.md 'Run `man -l units/man/none.7`.' 'units/man/none.7: there is no such path'
expect README.md 'A machine runs `.ci/none`.' '.ci/none: there is no such path'
expect README.md 'It is in `cellar/`.' 'cellar/: there is no such path'
expect daemon/README.md 'First `base/none.h`, then `none.c`.' $'base/none.h: there is no such path
daemon/README.md: none.c: there is no such path'
expect daemon/README.md 'A `client/cellar/NAME.c`.' 'client/cellar/NAME.c: there is no such path'
expect daemon/README.md '      → daemon/none.c, main.c       drain' 'daemon/none.c: there is no such path'
expect daemon/README.md '    sudo tests/none build' 'tests/none: there is no such path'
expect README.md 'All of it is in oxprof.conf(5).' 'oxprof.conf(5): there is no such page'
expect README.md 'The figures are in oxprofd(8), CELLAR.' 'oxprofd(8), CELLAR: there is no such section'
lines=$(wc -l <"$here/../README.md")
expect README.md "$(seq 149)" "$((lines - 3 + 1 + 149)) lines are more than 150"
[ "$failed" = 0 ] && echo "documents.sh: each rule holds"
exit "$failed"
