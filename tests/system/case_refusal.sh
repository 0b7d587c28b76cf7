# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# Bad input and bad days: one clear line, exit 1 or 2, and nothing is changed.

case_refuse_no_such_process() {
	expect_refused 1 oxprofctl unpause --pid=4194304
	expect_match "$err" 4194304
	expect_refused 2 oxprofctl unpause --pid=0
	expect_refused 2 oxprofctl unpause --pid=12x
	expect_refused 1 oxprofctl unpause --pid=2 --pid=4194304
}

case_refuse_interval() {
	local interval
	spawn root /opt/oxtest/spin
	for interval in 0 -1 nan 1e9 inf 0x1 '' 10.1 0.00009 1s; do
		expect_refused 2 oxprofctl unpause --pid="$pid" "--interval=$interval"
		expect_match "$err" interval
		expect_refused 2 oxprofctl set-interval -- "$interval"
	done
	expect_refused 2 oxprofctl unpause --pid="$pid" --frequency=0
	expect_refused 2 oxprofctl unpause --pid="$pid" --frequency=1e6
}

case_refuse_pattern() {
	expect_refused 1 oxprofctl query --filter='(unclosed'
	expect_refused 1 oxprofctl query --filter='*'
}

case_refuse_names() {
	expect_refused 1 oxprofctl unpause --unit=no-such-thing.service
	expect_match "$err" no-such-thing
	expect_refused 1 oxprofctl unpause --user=nobody-at-all
	expect_refused 1 oxprofctl unpause --cgroup=/no/such/group
	expect_refused 2 oxprofctl unpause --cgroup=relative
	expect_refused 2 oxprofctl unpause --comm=sixteen-letters-or-more
}

case_refuse_unpause_without_target() {
	expect_refused 1 oxprofctl unpause
	expect_match "$err" target
}

case_refuse_usage() {
	expect_refused 2 oxprofctl
	expect_refused 2 oxprofctl fly
	expect_refused 2 oxprofctl status --fly
	expect_refused 2 oxprofctl query --max=many
	expect_refused 2 oxprofctl query --by=moon
	expect_refused 2 oxprofctl query --since=someday
	expect_refused 2 oxprofctl unpause --mode=sideways --pid=1
	expect_refused 2 oxprofctl unpause --for=never --pid=1
	expect_ok oxprofctl --version
	expect_ok oxprofctl --help
}

case_refuse_daemon_not_running() {
	local verb
	systemctl stop oxprofd
	for verb in status unpause pause cancel query show history "set-interval 1"; do
		# shellcheck disable=SC2086
		expect_refused 1 oxprofctl $verb
		expect_match "$err" 'not running'
	done
}

# A small file system in the place of the state directory, with a database of its own on it.
disk_mount() {
	systemctl stop oxprofd
	mount -t tmpfs -o "size=$1,mode=2750,uid=$(id -u oxprof),gid=$(getent group oxprof-read |
		cut -d: -f3)" tmpfs /var/lib/oxprof
	daemon_start
}

case_refuse_full_disk() {
	spawn root /opt/oxtest/spin
	disk_mount 64M
	dd if=/dev/zero of=/var/lib/oxprof/filler bs=1M status=none 2>/dev/null || true
	expect_refused 1 oxprofctl unpause --pid="$pid"
	expect_match "$err" 'are free on the disk'
	rm /var/lib/oxprof/filler
	oxprofctl unpause --pid="$pid"
	is_state running
}

database_is_not_written() {
	expect_ok oxprofctl status --json &&
		expect_json '"the database cannot be written" in (d["notice"] or "")'
}

# It fills up in the middle of a session: what cannot be written is counted, the daemon goes on.
case_disk_fills_up() {
	spawn root /opt/oxtest/spin
	disk_mount 64M
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 300 "$pid"
	query
	dd if=/dev/zero of=/var/lib/oxprof/filler bs=1M status=none 2>/dev/null || true
	wait_until database_is_not_written
	rm /var/lib/oxprof/filler
	oxprofctl pause
	query
	expect_json 'd["samples"] > 50'
	expect_equal "$(sql 'PRAGMA integrity_check')" ok
}

case_refuse_read_only_directory() {
	spawn root /opt/oxtest/spin
	disk_mount 64M
	systemctl stop oxprofd
	mount -o remount,ro /var/lib/oxprof
	daemon_start || true
	expect_refused 1 oxprofctl unpause --pid="$pid"
	{ echo "$err" && journalctl -q -u oxprofd -n 20; } | grep -qiE 'read-only|not writable'
	expect_equal "$(sql 'SELECT count(*) FROM sessions')" 0
	systemctl stop oxprofd
}

case_refuse_without_btf() {
	spawn root /opt/oxtest/spin
	daemon_drop_in InaccessiblePaths=/sys/kernel/btf
	systemctl stop oxprofd
	daemon_start || true
	expect_refused 1 oxprofctl unpause --pid="$pid"
	{ echo "$err" && journalctl -q -u oxprofd -n 20; } | grep -qE 'BTF|btf'
	systemctl stop oxprofd
}

case_refuse_without_capabilities() {
	spawn root /opt/oxtest/spin
	daemon_drop_in CapabilityBoundingSet= AmbientCapabilities=
	systemctl stop oxprofd
	daemon_start || true
	expect_refused 1 oxprofctl unpause --pid="$pid"
	{ echo "$err" && journalctl -q -u oxprofd -n 20; } | grep -qiE 'capabilit|CAP_|permitted'
	systemctl stop oxprofd
}
