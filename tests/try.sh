#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs units/try, as root, in both of its ways: on a machine that systemd runs (a throw-away one), where it is
# installed, profiles, and is taken away again; and where systemd does not, where it boots one by itself. It
# goes on with a build that is there, so that only what a build is for is tried.
#
#   tests/try.sh BUILD-DIRECTORY
set -u -o pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:?usage: tests/try.sh BUILD-DIRECTORY}" && pwd) || exit 1
# shellcheck source-path=SCRIPTDIR disable=SC1091
. "$root/tests/system/boot.sh"

work=$(mktemp -d /tmp/oxtrytest.XXXXXX)
ways=()
# shellcheck disable=SC2317
finish() {
	# Each way stops its own machine.
	[ ${#ways[@]} = 0 ] || kill "${ways[@]}" 2>/dev/null
	wait
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Lists what there is of oxprof, beside what is mounted and what others do below /tmp.
traces='{ find / /run -xdev -path /tmp -prune -o -path /proc -prune -o -name "*oxprof*" -print
	getent passwd oxprof
	getent group oxprof oxprof-read; } | sort -u'

# Lays memory over the build directory, $1, so that it can be written to and stays as it is. $2 is a directory
# for that.
# shellcheck disable=SC2016
layer='mkdir -p "$2" && mount -t tmpfs tmpfs "$2" && mkdir "$2/upper" "$2/work" &&
	mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" overlay "$1"'

fail() {
	echo "$1; it printed:"
	cat "$output"
	exit 1
}

# Fails unless lines like these were printed, in this order.
expect_lines() {
	local pattern line=0 next
	for pattern; do
		next=$(tail -n "+$((line + 1))" "$output" | grep -nEm 1 -- "$pattern" | cut -d: -f1)
		[ -n "$next" ] || fail "no '$pattern' behind line $line"
		line=$((line + next))
	done
}

expect_demonstration() {
	expect_lines '^built$' "$@" ' oxprofd [0-9]' 'State: paused' \
		'^Function +Hits' '^count_primes\(__main__\) +[0-9]' '[0-9]+ samples, ' \
		'^ *SELF +SELF% ' ' python +.*\(__main__\)' \
		' pid:[0-9]+ ' ' count_primes.*\(__main__\)'
}

try_on_systemd() {
	local before output=$work/on_systemd
	trap machine_stop EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	machine_boot "$root" "$build" || exit 1
	before=$(machine_enter bash -c "$traces")
	machine_enter bash -c "$layer && \"\$0\" \"\$1\"" "$root/units/try" "$build" /tmp/layer \
		>"$output" 2>&1 || fail "units/try failed"
	expect_demonstration '^== Install' '^== Start'
	expect_lines '^== To go on'
	machine_enter oxprofctl status >"$output" 2>&1 || fail "the daemon does not run on"
	machine_enter "$root/units/try" --remove "$build" >"$output" 2>&1 || fail "units/try --remove failed"
	diff <(echo "$before") <(machine_enter bash -c "$traces") >"$output" || fail "it left traces"
}

# Hides systemd, where it runs this machine.
try_elsewhere() {
	local before output=$work/elsewhere
	before=$(bash -c "$traces")
	unshare --mount bash -c "$layer || exit
		[ ! -d /run/systemd ] || mount -t tmpfs tmpfs /run/systemd || exit
		exec \"\$0\" \"\$1\"" "$root/units/try" "$build" "$work/layer" >"$output" 2>&1 &
	trap 'kill "$!"; wait; exit 143' TERM
	wait "$!" || fail "units/try failed"
	expect_demonstration '^== No systemd runs this machine' '^== Start'
	expect_lines '^== Removed'
	diff <(echo "$before") <(bash -c "$traces") >"$output" || fail "it left traces"
}

try_on_systemd &
ways+=($!)
try_elsewhere &
ways+=($!)
failed=0
for way in "${ways[@]}"; do
	wait "$way" || failed=1
done
ways=()
exit $failed
