#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Holds the order of the folders that tests/floors.txt has. Says each include that climbs, each file in a
# folder of no program, each header named internal.h (or *_internal.h) that another folder includes, and each
# foreign header in a folder that does not own it. With an argument: another root than this source tree
# (tests/floors_test.sh).
set -u -o pipefail

table=$(cd "$(dirname "$0")" && pwd)/floors.txt
cd "${1:-$(dirname "$0")/..}" || exit 2

# shellcheck disable=SC2016
find bpf client daemon db -name '*.[ch]' -print0 2>/dev/null | xargs -0 awk '
function complain(text) {
	print text
	complaints++
}

function folder_of(path) {
	return path ~ /\// ? substr(path, 1, match(path, /\/[^\/]*$/) - 1) : ""
}

# True if a program has both, and the second one no further right.
function is_below(folder, other,    i) {
	for (i = 1; i <= n_programs; i++)
		if ((i, folder) in place && (i, other) in place && place[i, other] <= place[i, folder])
			return 1
	return 0
}

function read_table(    i) {
	if ($1 == "program") {
		n_programs++
		for (i = 3; i <= NF; i++) {
			place[n_programs, $i] = i
			known[$i] = 1
		}
	} else if ($1 == "made") {
		made[$2] = $3
	} else if ($1 == "owner") {
		n_owners++
		foreign[n_owners] = $2
		for (i = 3; i <= NF; i++)
			owns[n_owners, $i] = 1
	} else if ($1 != "" && $1 !~ /^#/) {
		complain(FILENAME ": what is " $1 "?")
	}
}

function check_own(header,    name, folder) {
	name = header
	sub(/.*\//, "", name)
	folder = name in made ? made[name] : folder_of(header)
	if (folder == "")
		complain(where ": includes \"" header "\": say its folder")
	else if (!is_below(here, folder))
		complain(where ": " here " includes " header ", which is no folder on its left")
	if (name ~ /^(.*_)?internal\.h$/ && folder != here)
		complain(where ": " header " is for its own folder alone")
}

function check_foreign(header,    i) {
	for (i = 1; i <= n_owners; i++)
		if (header ~ foreign[i] && !((i, here) in owns)) {
			complain(where ": " here " does not own <" header ">")
			return
		}
}

BEGIN { FS = "[ \t]+" }
FILENAME ~ /floors\.txt$/ { read_table(); next }
FNR == 1 {
	here = folder_of(FILENAME)
	n_files++
	if (!(here in known))
		complain(FILENAME ": its folder is in no program")
	if (FILENAME ~ /\.c$/ && ++n_sources[here] == 16)
		complain(FILENAME ": its folder has more than 15 .c files")
}
/^[ \t]*#[ \t]*include/ {
	where = FILENAME ":" FNR
	header = $0
	if (match(header, /"[^"]*"/))
		check_own(substr(header, RSTART + 1, RLENGTH - 2))
	else if (match(header, /<[^>]*>/))
		check_foreign(substr(header, RSTART + 1, RLENGTH - 2))
}
END {
	printf "floors: %d files, %d complaints\n", n_files, complaints
	exit complaints > 0
}' "$table"
