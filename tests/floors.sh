#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Includes go down only. Reads tests/floors.txt and every source file, and says each include that
# climbs, each file without a room, and each foreign header in a room that does not own it. With an
# argument: another root than this source tree (for the test of this test).
set -u -f -o pipefail # -f: the patterns of the table are not for the shell

table=$(cd "$(dirname "$0")" && pwd)/floors.txt
cd "${1:-$(dirname "$0")/..}" || exit 2

declare -a patterns=() pattern_rooms=() owner_patterns=() owner_rooms=()
declare -A floors=() may=()
complaints=0

complain() {
	echo "$*"
	complaints=$((complaints + 1))
}

table_read() {
	local word floor name rest other
	while read -r word floor name rest; do
		case $word in
		room)
			floors[$name]=$floor
			for other in $rest; do
				patterns+=("$other")
				pattern_rooms+=("$name")
			done
			;;
		may)
			for other in $name $rest; do
				may["$floor $other"]=1
			done
			;;
		owner)
			owner_patterns+=("$floor")
			owner_rooms+=(" $name $rest ")
			;;
		'' | '#'*) ;;
		*)
			complain "$table: what is '$word'?"
			;;
		esac
	done <"$table"
}

# Sets `room` to the room of a path; "" where it has none.
room_find() {
	local i
	room=
	for ((i = 0; i < ${#patterns[@]}; i++)); do
		# shellcheck disable=SC2053
		if [[ $1 == ${patterns[i]} ]]; then
			room=${pattern_rooms[i]}
			return
		fi
	done
}

include_check() {
	local file=$1 line=$2 from=$3 included=$4 room
	room_find "$included"
	if [ -z "$room" ]; then
		complain "$file:$line: \"$included\" has no room in floors.txt"
	elif [ "$room" != "$from" ] && [ -z "${may["$from $room"]:-}" ] &&
		[ "${floors[$room]}" -ge "${floors[$from]}" ]; then
		complain "$file:$line: \"$included\" is $room on floor ${floors[$room]}," \
			"not below $from on floor ${floors[$from]}"
	fi
}

foreign_check() {
	local file=$1 line=$2 from=$3 included=$4 i
	for ((i = 0; i < ${#owner_patterns[@]}; i++)); do
		# shellcheck disable=SC2053
		if [[ $included == ${owner_patterns[i]} && ${owner_rooms[i]} != *" $from "* ]]; then
			complain "$file:$line: <$included> is not for $from, only for${owner_rooms[i]%% }"
		fi
	done
}

file_check() {
	local file=$1 line text from room
	room_find "$file"
	from=$room
	if [ -z "$from" ]; then
		complain "$file: has no room in floors.txt"
		return
	fi
	while IFS=: read -r line text; do
		if [[ $text =~ \"([^\"]+)\" ]]; then
			include_check "$file" "$line" "$from" "${BASH_REMATCH[1]}"
		elif [[ $text =~ \<([^\>]+)\> ]]; then
			foreign_check "$file" "$line" "$from" "${BASH_REMATCH[1]}"
		fi
	done < <(grep -nE '^[[:space:]]*#[[:space:]]*include\b' "$file")
}

table_read
files=0
while read -r file; do
	file_check "$file"
	files=$((files + 1))
done < <(find bpf client daemon db -name '*.[ch]' | LC_ALL=C sort)
echo "floors: $files files, $complaints complaints"
[ "$files" -gt 0 ] && [ "$complaints" = 0 ]
