#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Comments are sentences: none begins with Of, What, Who or It, and that of a function begins with a
# verb in the third person ("Returns ...", "Reads ...") or with "True if". Prints FILE:LINE and the
# first words of each that is none, and fails.
#
# usage: tests/comments.sh [FILE...]
set -u -o pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1

find_bad() {
	awk '
	function check(is_function,    word) {
		word = text
		sub(/[^A-Za-z0-9_].*/, "", word)
		if (word ~ /^(Of|What|Who|It)$/ ||
		    (is_function && text !~ /^True if / &&
		     (word !~ /^[A-Z][a-z]+s$/ || word ~ /^(This|Its|Always|Plus|Thus|Unless|Less|Names|Others|Files|Tests)$/)))
			print FILENAME ":" line ": " substr(text, 1, 80)
		text = ""
	}
	FNR == 1 { text = ""; inside = waits = 0 }
	waits {
		waits = 0
		check($0 ~ /^[A-Za-z_].*\(/ &&
		      $0 !~ /^(Test|TestSuite|Parameterized|define_cleanup|_Static_assert|SEC|typedef|struct [a-z_0-9]+ \{)|^[A-Z_]+\(/)
	}
	inside {
		if (text == "") { text = $0; sub(/^[ \t]*\*[ \t]*/, "", text) }
		if (/\*\//) {
			inside = 0
			if (top && /\*\/[ \t]*$/) waits = 1
			else check(0)
		}
		next
	}
	match($0, /\/\*/) && !/"[^"]*\/\*[^"]*"/ {
		text = substr($0, RSTART + 2)
		gsub(/^\**[ \t]*|[ \t]*\*\/.*$/, "", text)
		line = FNR
		top = RSTART == 1
		if (text ~ /^(SPDX|clang-format|-----)/) text = "Reads"
		if (substr($0, RSTART) ~ /\*\//) {
			if (top && /\*\/[ \t]*$/) waits = 1
			else check(0)
		} else
			inside = 1
	}' "$@" </dev/null
}

sources() {
	find bpf client daemon db tests -name '*.[ch]' ! -path '*/build/*' | sort
}

files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(sources)
! find_bad "${files[@]}" | grep .
