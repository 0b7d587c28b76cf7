#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Comments are sentences: none begins with Of, What, Who or It, and that of a function begins with a
# verb in the third person ("Returns ...", "Reads ...") or with "True if". tests/comments.txt has the
# files that still hold others, and how many; a file may hold no more than that, and no fewer either:
# so the list only gets shorter.
#
# usage: tests/comments.sh [--list FILE... | --write]
set -u -o pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1

# FILE:LINE: the first words, one line for each comment that breaks the rule.
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

counts() {
	mapfile -t all < <(sources)
	find_bad "${all[@]}" | awk -F: '{ n[$1]++ } END { for (file in n) print file, n[file] }' | sort
}

case ${1:-} in
--list)
	shift
	[ $# -gt 0 ] || mapfile -t all < <(sources)
	find_bad "${@:-${all[@]}}"
	;;
--write)
	counts >tests/comments.txt
	;;
*)
	counts | diff tests/comments.txt - >/dev/null && exit 0
	counts | awk '
		NR == FNR { allowed[$1] = $2; next }
		{ found[$1] = $2 }
		END {
			for (file in found)
				if (found[file] > allowed[file] + 0)
					printf "%s: %d comments are no sentences, %d are allowed: tests/comments.sh --list %s\n",
					       file, found[file], allowed[file] + 0, file
			for (file in allowed)
				if (found[file] + 0 < allowed[file])
					printf "%s: %d comments are left, not %d: tests/comments.sh --write\n",
					       file, found[file] + 0, allowed[file]
		}' tests/comments.txt -
	exit 1
	;;
esac
