#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each command line of oxprofctl in README.md, daemon/README.md and the manual pages is one that it understands;
# says those that are not, and options in README.md that there are not.
#
#   tests/examples.sh BUILD-DIRECTORY [ROOT]
#
# They are run where no bus and no daemon can be reached: wrong usage is exit status 2, all else 0 or 1. ROOT is
# another root than this source tree (tests/examples_test.sh).
set -u -o pipefail

program=$(realpath "${1:?usage: tests/examples.sh BUILD-DIRECTORY [ROOT]}/client/oxprofctl") || exit 2
cd "${2:-$(dirname "$0")/..}" || exit 2

work=$(mktemp -d /tmp/oxexamples.XXXXXX)
trap 'rm -rf "$work"' EXIT
umask 022
chmod 755 "$work"
install -D "$program" "$work/bin/oxprofctl" && mkdir -m 777 "$work/home" || exit 2

# Root would be heard by a daemon that runs here.
as_nobody=()
[ "$(id -u)" != 0 ] || as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --)

# Prints the lines of a document's blocks of code, or of a manual page's.
read_blocks() {
	case $1 in
	*.md) sed -n 's/^    //p' "$1" ;;
	*) sed -n '/^\.Bd -literal/,/^\.Ed/ { /^\./d; s/\\e/\\/g; s/\\&//g; p; }' "$1" ;;
	esac
}

# Prints the commands in blocks, without the prompt. One that does not end with its line is made one line.
read_commands() {
	read_blocks "$1" | awk '
		{ sub(/^\$ /, ""); line = line $0 }
		sub(/\\$/, "", line) || /\|$/ { next }
		line ~ /(^|[ ;|(])oxprofctl [a-z-]/ { print line }
		{ line = "" }'
}

# Prints the commands within a line, and each with the other options that are named behind it.
read_spans() {
	awk '!/^    / {
		command = ""
		n = split($0, part, "`")
		for (i = 2; i <= n; i += 2) {
			if (part[i] ~ /^oxprofctl /)
				print command = part[i]
			else if (command != "" && part[i] ~ /^--[a-z]/)
				print command " " part[i]
		}
	}' "$1"
}

# Runs a line in a shell that has oxprofctl and no other program: where another one (sudo, ssh) would run
# oxprofctl, it is run by itself. Prints its exit statuses.
run_line() {
	: >"$work/said"
	# shellcheck disable=SC2016
	(cd "$work/home" && "${as_nobody[@]}" env -i PATH="$work/bin" LANG=C.UTF-8 \
		DBUS_SYSTEM_BUS_ADDRESS="unix:path=$work/none" "$BASH" --noprofile --norc -c '
			oxprofctl() {
				command oxprofctl "$@" >&2
				echo "$?" >&3
			}
			command_not_found_handle() {
				while [ $# -gt 0 ] && [ "$1" != oxprofctl ]; do
					shift
				done
				[ $# = 0 ] || "$@"
			}
			: &
			eval "$1"' bash "$1" 3>&1 >/dev/null 2>>"$work/said" </dev/null)
}

check_line() {
	local document=$1 line=$2 statuses
	statuses=$(run_line "$line")
	[[ ! $statuses =~ ^[01]($'\n'[01])*$ ]] || return 0
	echo "$document: $line: exit ${statuses:-without a run of it}"
	sed 's/^/    /' "$work/said"
}

# Says the unknown among the options that stand by themselves, as in "`--comm`, `--unit`".
check_options() {
	local document=$1 option
	while read -r option; do
		"$program" --help | grep -qE -- "^  $option\b" ||
			echo "$document: $option: there is no such option"
	done < <(grep -v '^    ' "$document" | grep -oP '`\K--[a-z-]+' | sort -u)
}

complaints=$(
	for document in README.md daemon/README.md units/man/*.[1-9]; do
		while read -r line; do
			check_line "$document" "$line"
		done < <(
			read_commands "$document"
			[[ $document != *.md ]] || read_spans "$document"
		)
	done
	check_options README.md
)
[ -z "$complaints" ] || {
	echo "$complaints"
	exit 1
}
