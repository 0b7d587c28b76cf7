#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tests/comments.sh over the tree, and over comments of which it has to find those that are marked.
set -u -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
"$here/comments.sh" || exit 1
file=$(mktemp --suffix=.c)
trap 'rm -f "$file"' EXIT
cat >"$file" <<'END'
/* Reads a number. */
int number_read(void);
/* True if it is a number. */
bool number_is(void);
/* What the number is. BAD */
static int number;
/*
 * Of a number. BAD
 */
struct number {
	int n; /* It is one. BAD */
};
/* The number. BAD */
int number_get(void);
/* 0 or -EINVAL. BAD */
static int read_number(const char *text,
		       int *ret)
{
	/* Who knows. BAD */
	return 0;
}
/* The names of numbers. */
static const char *const names[] = {"one"};
END
if ! diff <(grep -n BAD "$file" | cut -d: -f1) <(
	"$here/comments.sh" "$file" | sed -E 's/^[^:]*:([0-9]+):.*/\1/' |
		awk -v file="$file" '{ while ((getline line < file) > 0 && ++at < $1) ; print (line ~ /BAD/) ? at : at + 1 }'
); then
	echo "comments.sh: does not find the comments that are no sentences" >&2
	exit 1
fi
echo "comments.sh: finds what is no sentence"
