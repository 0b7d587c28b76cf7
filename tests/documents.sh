#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Holds README.md and daemon/README.md to the tree. Says each link whose file or heading is missing, each path
# that is not in the tree, each manual page or section of one that is not in units/man, and whether README.md
# is too long. With an argument: another root than this source tree (tests/documents_test.sh).
set -u -o pipefail

LINES_MAX=150

cd "${1:-$(dirname "$0")/..}" || exit 2

# Prints a document without its blocks of code, on one line: a link may go over the end of a line.
read_prose() {
	grep -v '^    ' "$1" | tr '\n' ' '
}

# Prints each word of code, in a block or within a line, without the marks of the sentence around it.
read_code() {
	{
		# shellcheck disable=SC2016
		read_prose "$1" | grep -oE '`[^`]+`' | tr -d '`'
		grep '^    ' "$1"
	} | tr -s ' \t' '\n' | sed -E 's/[,;:.)]+$//' | sort -u
}

# Prints the anchors that GitHub makes of the headings.
read_anchors() {
	sed -nE 's/^#+ +//p' "$1" | tr '[:upper:]' '[:lower:]' | sed -E 's/[^[:alnum:] _-]//g; s/ /-/g'
}

check_links() {
	local document=$1 link file
	while read -r link; do
		case $link in
		*://* | mailto:*) continue ;;
		'#'*) file=$document ;;
		*) file=$(dirname "$document")/${link%%#*} ;;
		esac
		if [ ! -e "$file" ]; then
			echo "$document: $link: there is no such file"
		elif [[ $link == *'#'* ]] && ! read_anchors "$file" | grep -qxF -- "${link#*#}"; then
			echo "$document: $link: there is no such heading"
		fi
	done < <(read_prose "$document" | grep -oP '\]\(\K[^)]+')
}

# Says the paths that are missing. One that begins with a folder of the tree stands for itself; another that ends
# as a folder or a source does is a name below any folder. FOLDER, FILE and NAME stand for any name.
check_paths() {
	local document=$1
	find . '(' -path ./.git -o -path './build*' ')' -prune -o -mindepth 1 -printf '%P\n' |
		awk -v document="$document" '
		function remember(path,    i, n, part, suffix) {
			n = split(path, part, "/")
			tree[path]
			folders[part[1]]
			for (i = n; i > 0; i--) {
				suffix = i == n ? part[i] : part[i] "/" suffix
				suffixes[suffix]
			}
		}

		function is_in(paths, path,    other) {
			if (path in paths)
				return 1
			if (!gsub(/FOLDER|FILE|NAME|\*/, "[^/]*", path))
				return 0
			gsub(/\./, "\\.", path)
			for (other in paths)
				if (other ~ "^" path "$")
					return 1
			return 0
		}

		FILENAME == "-" { remember($0); next }
		!/^[A-Za-z0-9_*.][A-Za-z0-9_*.\/-]*$/ { next }
		{
			path = $0
			sub(/\/$/, "", path)
			begin = path
			sub(/\/.*/, "", begin)
			if (begin in folders)
				found = is_in(tree, path)
			else if (/\/$/ || /[A-Za-z0-9_*]\.(c|h|cc|proto|sql|sh|py|js|mjs|md|txt)$/)
				found = is_in(suffixes, path)
			else
				next
			if (!found)
				print document ": " $0 ": there is no such path"
		}' - <(read_code "$document")
}

# Says the pages that are missing, as in "oxprofd(8)", and the sections, as in "oxprofd(8), COSTS".
check_manuals() {
	local document=$1 page section file
	while read -r page section; do
		file=units/man/$(tr '(' '.' <<<"${page%)*}")
		if [ ! -e "$file" ]; then
			echo "$document: $page: there is no such page"
		elif [ -n "$section" ] && ! grep -q "^\.Sh $section\b" "$file"; then
			echo "$document: $page $section: there is no such section"
		fi
	done < <(read_prose "$document" | grep -oP 'oxprof[a-z.]*\([1-9]\)([,:] [A-Z]{3,})?')
}

check_length() {
	local n
	n=$(wc -l <README.md)
	[ "$n" -le "$LINES_MAX" ] || echo "README.md: $n lines are more than $LINES_MAX"
}

complaints=$(
	for document in README.md daemon/README.md; do
		check_links $document
		check_paths $document
		check_manuals $document
	done
	check_length
)
[ -z "$complaints" ] || {
	echo "$complaints"
	exit 1
}
