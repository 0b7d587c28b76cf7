#!/bin/bash
# SPDX-License-Identifier: MIT
# The inside half of tests/bench/run: one part of what is measured, as rows "figure unit value..."
# with tabs between.
#
#   inside.sh paused|kernel|unwind|python|daemon|tables|processes|busy|perf|python_slow
#   inside.sh query DATABASE ROWS
#   inside.sh export DATABASE STACKS
#
# Shorter with QUICK=quick in the environment.
set -eEu
trap 'echo "inside.sh:$LINENO: exit $?: $BASH_COMMAND" >&2' ERR
cd "$(dirname "$0")"
# shellcheck source-path=SCRIPTDIR
. ../system/lib.sh
# shellcheck source-path=SCRIPTDIR
. ./python.sh
trap 'status=$?; kill_all; rm -f "$log"; exit $status' EXIT

calls=/opt/oxtest/calls
omit=/opt/oxtest/omit

# Fails where a value is none, as 0/0 is.
row() {
	local IFS=$'\t' value
	[ $# -gt 2 ]
	for value in "${@:3}"; do
		[[ $value =~ ^-?[0-9] ]]
	done
	echo "$*"
}

# A number of whole or broken parts, by a formula.
calculate() {
	awk "BEGIN { printf \"%.9g\n\", $1 }"
}

# The longer duration, or the shorter one when it shall be quick.
either() {
	echo "${QUICK:+$2}" | grep . || echo "$1"
}

# ---- the daemon, seen from outside ----

# One value of all the daemon's open things whose fdinfo has such a line, summed.
fdinfo_sum() {
	local kind=$1 field=$2
	# Descriptors come and go while they are read: so by cat, which goes on, and each begins with "pos:".
	cat "/proc/$(daemon_pid)/fdinfo"/* 2>/dev/null | awk -v kind="^$kind\$" -v field="$field:" '
		function flush() { if (hit) sum += value; hit = value = 0 }
		$1 == "pos:" { flush() }
		{ line = $1 $2; if (line ~ kind) hit = 1 }
		$1 == field { value = $2 }
		END { flush(); printf "%d\n", sum }
	'
}

# 7 is BPF_PROG_TYPE_PERF_EVENT: on_tick(), the only one of its type.
tick_ns() {
	fdinfo_sum 'prog_type:7' run_time_ns
}

tick_n() {
	fdinfo_sum 'prog_type:7' run_cnt
}

daemon_cpu_ns() {
	cat "/proc/$(daemon_pid)/task"/*/schedstat | awk '{ sum += $1 } END { printf "%d\n", sum }'
}

daemon_written() {
	awk '$1 == "wchar:" { print $2 }' "/proc/$(daemon_pid)/io"
}

daemon_switches() {
	awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$(daemon_pid)/status"
}

database_bytes() {
	sql 'SELECT page_count * page_size FROM pragma_page_count, pragma_page_size'
}

# ---- programs to look at ----

# One on each CPU, and the targets that choose them.
spawn_on_each_cpu() {
	local i
	targets=()
	for ((i = 0; i < $(nproc); i++)); do
		spawn root "$@"
		targets+=("--pid=$pid")
	done
}

kill_all() {
	local job
	for job in $(jobs -p); do
		kill "$job" 2>/dev/null || true
		wait "$job" 2>/dev/null || true
	done
}

# ---- the parts ----

# After a session, when the programs are loaded: the most that a paused daemon holds.
measure_paused() {
	local began switches pings seconds
	seconds=$(either 60 20)
	daemon_reset
	spawn_on_each_cpu "$calls" 20 4096
	oxprofctl unpause "${targets[@]}"
	sleep 2
	oxprofctl pause
	sleep 1
	began=$(tick_n)
	[ "$began" -gt 0 ]
	switches=$(daemon_switches)
	pings=$(for ((i = 0; i < seconds; i += 2)); do
		systemctl show -P WatchdogTimestampMonotonic oxprofd
		sleep 2
	done | uniq | wc -l)
	switches=$(($(daemon_switches) - switches))
	row "paused: wake-ups of the daemon" "/min" "$(calculate "$switches * 60 / $seconds")"
	row "paused: of these for the watchdog" "/min" \
		"$(calculate "($pings - 1) * 60 / $seconds")"
	row "paused: runs of the BPF sampler" "/min" $(($(tick_n) - began))
	row "paused: perf events open, disabled" "" "$(daemon_events)"
	row "paused: BPF programs loaded" "" "$(daemon_programs)"
	row "paused: BPF programs attached elsewhere" "" "$(daemon_links)"
}

daemon_events() {
	find "/proc/$(daemon_pid)/fd" -lname 'anon_inode:\[perf_event\]' | wc -l
}

daemon_programs() {
	find "/proc/$(daemon_pid)/fd" -lname 'anon_inode:bpf-prog' | wc -l
}

# Links that are not to one of our own (disabled) events.
daemon_links() {
	grep -h '^link_type:' "/proc/$(daemon_pid)/fdinfo"/* 2>/dev/null | grep -vc perf || true
}

kernel_row() {
	local figure=$1 i ns n values=()
	for ((i = 0; i < 5; i++)); do
		ns=$(tick_ns)
		n=$(tick_n)
		sleep "$(either 1 0.4)"
		values+=("$(calculate "($(tick_ns) - $ns) / ($(tick_n) - $n)")")
	done
	row "$figure" "ns" "${values[@]}"
}

measure_kernel() {
	local frames idle
	for frames in 5 20 60 200; do
		daemon_reset
		spawn_on_each_cpu "$calls" "$frames" 1
		oxprofctl unpause "${targets[@]}" --frequency=999
		sleep 0.5
		kernel_row "kernel: a sample of $frames user frames"
		kill_all
	done
	daemon_reset
	spawn root sleep 1000
	idle=$pid
	spawn_on_each_cpu "$calls" 20 1
	oxprofctl unpause --pid="$idle" --frequency=999
	sleep 0.5
	kernel_row "kernel: a tick in a process not chosen"
}

# Mean of a sample of omit at a depth, in nanoseconds.
sample_ns() {
	local ns n
	ns=$(tick_ns)
	n=$(tick_n)
	sleep "$(either 2 1)"
	calculate "($(tick_ns) - $ns) / ($(tick_n) - $n)"
}

# Without frame pointers: each step of the depth is two frames, at the leaf are the same ones. The
# first seconds are those in which the tables are made.
measure_unwind() {
	local i depth shallow=() deep=() values=()
	for depth in 10 110; do
		daemon_reset
		spawn_on_each_cpu "$omit" 0 "$depth" >/dev/null
		oxprofctl unpause "${targets[@]}" --frequency=999
		sleep 3
		for ((i = 0; i < 5; i++)); do
			[ "$depth" = 10 ] || deep+=("$(sample_ns)")
			[ "$depth" != 10 ] || shallow+=("$(sample_ns)")
		done
		kill_all
	done
	for ((i = 0; i < 5; i++)); do
		values+=("$(calculate "(${deep[i]} - ${shallow[i]}) / 200")")
	done
	row "kernel: a sample of 20 frames by tables, and its leaf" "ns" "${shallow[@]}"
	row "kernel: a frame by tables" "ns" "${values[@]}"
}

# Of five stretches the CPU time of the daemon in each second.
daemon_row() {
	local figure=$1 seconds=$2 i before values=()
	for ((i = 0; i < 5; i++)); do
		before=$(daemon_cpu_ns)
		sleep "$seconds"
		values+=("$(calculate "($(daemon_cpu_ns) - $before) / 1e6 / $seconds")")
	done
	row "$figure" "ms/s" "${values[@]}"
}

daemon_at() {
	local hertz=$1 seconds=$2 bytes written before samples lost
	daemon_reset
	bytes=$(database_bytes)
	spawn_on_each_cpu "$calls" 20 4096
	before=$(daemon_cpu_ns)
	oxprofctl unpause "${targets[@]}" --frequency="$hertz"
	row "$hertz Hz: daemon CPU to begin" "ms" \
		"$(calculate "($(daemon_cpu_ns) - $before) / 1e6")"
	sleep 2
	written=$(daemon_written)
	daemon_row "$hertz Hz: daemon CPU" "$(calculate "$seconds / 5")"
	row "$hertz Hz: written to the disk" "MB/min" \
		"$(calculate "($(daemon_written) - $written) * 60 / $seconds / 1e6")"
	oxprofctl pause
	kill_all
	expect_ok oxprofctl query --json --max=1
	samples=$(json 'd["samples"]')
	lost=$(json 'sum(d["lost"].get(why, 0) for why in
		("late", "arena-full", "index-crowded", "store"))')
	row "$hertz Hz: samples lost" "%" "$(calculate "100 * $lost / ($samples + $lost)")"
	row "$hertz Hz: database" "B/1000 samples" \
		"$(calculate "($(database_bytes) - $bytes) * 1000 / $samples")"
}

measure_daemon() {
	daemon_at 99 "$(either 60 10)"
	daemon_at 999 10
	daemon_at 9999 10
}

# What the symbolizer takes to make the table of a file.
measure_tables() {
	local file name i out values
	for name in libc.so.6 libstdc++.so.6 python3 node; do
		file=$(find_program "$name")
		[ -n "$file" ] || continue
		values=()
		for ((i = 0; i < 5; i++)); do
			out=$(/opt/oxtest/make_table /usr/libexec/oxprof/oxprof-symbolizer "$file")
			values+=("$(calculate "$(sed -n 's/^cpu_usec //p' <<<"$out") / 1000")")
		done
		row "table of $name: symbolizer's CPU" "ms" "${values[@]}"
		row "table of $name" "rows" "$(sed -n 's/^rows //p' <<<"$out")"
	done
}

find_program() {
	command -v "$1" || ldconfig -p | awk -v name="$1" '$1 == name { print $NF; exit }'
}

daemon_memory_mb() {
	calculate "$(awk '/^Pss:/ { print $2 }' "/proc/$(daemon_pid)/smaps_rollup") / 1024"
}

# The same program once, and many times. All of them have to be seen to be counted.
measure_processes() {
	local n many i
	many=$(either 1000 100)
	daemon_reset
	row "memory of the daemon before" "MB" "$(daemon_memory_mb)"
	for n in 1 "$many"; do
		daemon_reset
		for ((i = 0; i < n; i++)); do
			spawn root "$omit" >/dev/null
		done
		oxprofctl unpause --comm=omit --frequency=999
		sleep "$(calculate "5 + $n / 50")"
		expect_ok oxprofctl status --json
		row "$n processes of a program: memory of tables" "MB" \
			"$(calculate "$(json 'd["unwind_bytes"]') / 1048576")"
		row "$n processes of a program: tables" "" "$(json 'd["unwind_tables"]')"
		row "$n processes of a program: memory of the daemon" "MB" "$(daemon_memory_mb)"
		query --by=process
		row "$n processes of a program: seen" "" "$(json 'len(d["records"])')"
		kill_all
	done
}

# About a second of the same work in slices; what it prints is in $slices.
job=("$calls" 20 4096 100)

slice_ns() {
	sed -n 's/^slice_ns //p' "$slices"
}

job_alone() {
	echo | "${job[@]}" >"$slices"
}

job_under_oxprof() {
	spawn_waiting root "${job[@]}" >"$slices"
	oxprofctl unpause --pid="$pid" --frequency=999
	spawn_go
	wait "$pid"
	oxprofctl pause
	exec {spawn_fd}>&-
}

job_under_perf() {
	echo | perf record -q -g -F 999 -e cpu-clock -o "$recording" "${job[@]}" >"$slices"
}

measure_perf() {
	local round rounds alone again=() oxprof=() perf=() n slices recording
	slices=$(mktemp)
	recording=$(mktemp)
	rounds=$(either 15 3)
	daemon_reset
	job_alone
	for ((round = 0; round < rounds; round++)); do
		job_alone
		alone=$(slice_ns)
		job_under_oxprof
		oxprof+=("$(calculate "$(slice_ns) / $alone")")
		job_alone
		again+=("$(calculate "$(slice_ns) / $alone")")
		job_under_perf
		perf+=("$(calculate "$(slice_ns) / $alone")")
	done
	row "slow-down at 999 Hz: none, for the noise" "ratio" "${again[@]}"
	row "slow-down at 999 Hz: oxprof" "ratio" "${oxprof[@]}"
	row "slow-down at 999 Hz: perf record -g" "ratio" "${perf[@]}"

	job[3]=1000
	job_under_perf
	n=$(perf report --stats -i "$recording" | awk '$1 == "SAMPLE" && !n { n = $3 } END { print n }')
	row "999 Hz: perf.data" "B/1000 samples" \
		"$(calculate "$(stat -c %s "$recording") * 1000 / $n")"
	rm "$slices" "$recording"
}

# The daemon gets another history.
history_take() {
	systemctl stop oxprofd
	find /var/lib/oxprof -mindepth 1 -delete
	install -o oxprof -g oxprof-read -m 640 "$1" "$database"
	daemon_start
}

# How long a command took, in milliseconds, added to `values`.
time_ms() {
	local began=${EPOCHREALTIME/./}
	"$@"
	values+=("$(calculate "(${EPOCHREALTIME/./} - $began) / 1000")")
}

# A machine on its knees: 8 processes that burn and 10,000 threads that wake now and then. What is
# timed is the whole command, the start of the client included. Each begins with a daemon that is
# paused, with what it needs in the kernel or without.
measure_busy() {
	local i tries status=() warm=() cold=() cancel=() values
	tries=$(either 10 5)
	daemon_reset
	wait_until sh -c 'oxprofctl status | grep -q "BPF programs loaded"'
	coproc /opt/oxtest/crowd 8 10000
	read -r _ <&"${COPROC[0]}"
	for ((i = 0; i < tries; i++)); do
		values=()
		time_ms oxprofctl unpause --all
		warm+=("${values[@]}")
		sleep 2
		values=()
		time_ms oxprofctl status >/dev/null
		status+=("${values[@]}")
		oxprofctl pause
		sleep 1
	done
	for ((i = 0; i < tries; i++)); do
		values=()
		time_ms oxprofctl cancel
		cancel+=("${values[@]}")
		values=()
		time_ms oxprofctl unpause --all
		cold+=("${values[@]}")
		sleep 2
	done
	kill "$COPROC_PID"
	row "busy machine: unpause --all" ms "${warm[@]}"
	row "busy machine: unpause --all after a cancel" ms "${cold[@]}"
	row "busy machine: status while it samples" ms "${status[@]}"
	row "busy machine: cancel" ms "${cancel[@]:1}"
	row "busy machine: starts of the daemon by the watchdog" "" \
		"$(systemctl show -P NRestarts oxprofd)"
}

measure_query() {
	local file=$1 rows=$2 i began values=()
	row "$rows rows: database" "B/row" "$(calculate "$(stat -c %s "$file") / $rows")"
	history_take "$file"
	for ((i = 0; i < 5; i++)); do
		began=${EPOCHREALTIME/./}
		expect_ok oxprofctl query --json
		values+=("$(calculate "(${EPOCHREALTIME/./} - $began) / 1000")")
	done
	expect_json "d['samples'] >= $rows and d['records']"
	row "$rows rows: first query of a daemon" "ms" "${values[0]}"
	row "$rows rows: query" "ms" "${values[@]}"
}

# Each by a daemon that has answered nothing before.
measure_export() {
	local file=$1 stacks=$2 format
	for format in folded pprof speedscope flamegraph; do
		history_take "$file"
		python3 ./export.py "$stacks stacks: $format" "$(daemon_pid)" \
			oxprofctl query --format="$format"
	done
}

"measure_$1" "${@:2}"
