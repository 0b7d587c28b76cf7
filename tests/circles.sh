#!/bin/bash
# SPDX-License-Identifier: MIT
#
# No file calls back into one that calls it: says each circle of files within a folder, as the symbols of
# its library have it.
#
#   tests/circles.sh BUILD-DIRECTORY
set -u -o pipefail

build=${1:?usage: tests/circles.sh BUILD-DIRECTORY}
n=0 circles=0

# "USER DEFINER" for each two files of a library, one of which uses what the other one defines.
uses() {
	nm -A "$1" 2>/dev/null | awk '
		{ split($1, place, ":"); file = place[2] }
		$(NF - 1) ~ /^[BCDRTVW]$/ { definer[$NF] = file }
		$(NF - 1) == "U" { used[file, $NF] = 1 }
		END {
			for (both in used) {
				split(both, part, SUBSEP)
				if (part[2] in definer && definer[part[2]] != part[1])
					print part[1], definer[part[2]]
			}
		}' | sort -u
}

while read -r library; do
	n=$((n + 1))
	# tsort(1) prints a loop as "tsort: -: input contains a loop:" and its members.
	loops=$(uses "$library" | tsort 2>&1 >/dev/null) || {
		circles=$((circles + $(grep -c 'contains a loop' <<<"$loops")))
		echo "${library#"$build"}: files that call each other:"
		sed -n 's/^tsort: \(.*\)\.c\.o$/\t\1/p' <<<"$loops"
	}
done < <(find "$build/" -name 'libox_*.a' | sort)
echo "circles: $n libraries, $circles circles"
[ "$n" -gt 0 ] && [ "$circles" = 0 ]
