# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# Whether it does its work on a kernel as a distribution ships it: in few cases, each of which is
# about several things, for here the loading of the programs takes seconds.

# So many seconds of a process, by its own clock: how much of a CPU it gets matters to nobody.
run_for() {
	local process=$1 end_ms
	end_ms=$(($(cpu_ms "$process") + $2 * 1000))
	while [ "$(cpu_ms "$process")" -lt "$end_ms" ]; do
		sleep 0.5
	done
}

# Of $out, an answer by function: of the hits of these functions each has its share (NAME=SHARE),
# within four binomial standard deviations.
expect_shares() {
	expect_json "(lambda hits, shares: sum(hits.values()) > 500 and all(
		abs(hits[name] - sum(hits.values()) * share)
			<= 4 * math.sqrt(sum(hits.values()) * share * (1 - share))
		for name, share in shares.items()))(
		{name: sum(r['self'] for r in d['records'] if r['function'] == name)
			for name in ('five', 'three', 'two')}, dict(${*/%/,}))"
}

# Files of a kind that the daemon holds open: bpf-prog, bpf_link, perf_event.
count_held() {
	find "/proc/$(daemon_pid)/fd" -lname "anon_inode:*$1*" | wc -l
}

# Programs in the kernel, but those that systemd has for each unit.
count_programs() {
	bpftool prog show -j | python3 -c '
import json, sys
print(sum(not p["type"].startswith("cgroup_") for p in json.load(sys.stdin)))'
}

is_loaded() {
	oxprofctl status --json | grep -q '"kernel": *"loaded"'
}

# The distribution's own settings will do, nobody having touched them. At this level it is the opener who
# opens events.
case_settings() {
	expect_equal "$(cat /proc/sys/kernel/perf_event_paranoid)" 3
	expect_ok oxprofctl doctor
	wait_until is_loaded
	spawn root /opt/oxtest/spin
	systemctl stop oxprof-opener.socket
	expect_refused 1 oxprofctl unpause --pid="$pid"
	expect_match "$err" perf_event_paranoid
	expect_match "$err" opener
	expect_not oxprofctl doctor
	expect_match "$(oxprofctl doctor)" opener
}

# 8 s at 199 Hz of the sample program. How its time goes is measured by running its functions apart.
case_python() {
	local share
	spawn root /usr/bin/python3 /opt/oxtest/sample.py
	oxprofctl unpause --pid="$pid" --frequency=199
	run_for "$pid" 1
	query --by=stack --pid="$pid"
	local before
	before=$(json 'd["stacks"]')
	run_for "$pid" 7
	oxprofctl pause
	query --by=stack --pid="$pid"
	json 'd["samples"], d["lost"], d["stacks"]'
	expect_json 'd["samples"] >= 1400'
	expect_json "(lambda later: later['root'] >= 0.95 * sum(later.values()) > 1000)(
		{k: n - $before.get(k, 0) for k, n in d['stacks'].items()})"
	query --python-only --pid="$pid"
	share=$(sample_share count_primes)
	echo "count_primes should have $share"
	json '[(r["function"], r["total_share"]) for r in d["records"]]'
	expect_json "[abs(r['total_share'] - $share) < 0.05 for r in d['records']
		if r['name'] == 'count_primes(__main__)'] == [True]"
}

# What a function of the sample program has of its time, by the clock of the process.
sample_share() {
	python3 -c '
import sys, time
source = open("/opt/oxtest/sample.py").read().split("while True:")[0]
exec(source)
functions = (sort_numbers, join_words, count_primes)
used = dict.fromkeys(functions, 0)
for function in functions * 4:
    began = time.process_time()
    function()
    used[function] += time.process_time() - began
print(used[globals()[sys.argv[1]]] / sum(used.values()))' "$1"
}

# Shares of a program in C and of one in Python, held against what they themselves counted; and the
# kernel beneath a third one.
case_all() {
	local c go
	spawn root nice /opt/oxtest/spin
	spawn_waiting root /opt/oxtest/shares 2
	c=$pid go=$spawn_fd
	spawn_waiting root /usr/bin/python3 /opt/oxtest/ratio.py 2 >/tmp/ratio.out
	oxprofctl unpause --all --frequency=999
	echo >&"$go"
	spawn_go
	wait "$c" "$pid"
	oxprofctl pause
	query --pid="$c" --sort=self
	json '[(r["name"], r["self"]) for r in d["records"][:5]]'
	expect_shares five=0.5 three=0.3 two=0.2
	query --pid="$pid" --python-only --sort=self
	json '[(r["name"], r["self"]) for r in d["records"][:5]]'
	# shellcheck disable=SC2046
	expect_shares $(sed -n 's/^\(five\|three\|two\) /\1=/p' /tmp/ratio.out)
	query --by=stack --comm=spin
	expect_json 'any(re.search(r"outer_spin\(spin\);.*\(\[kernel\]\)", r["name"])
		for r in d["records"])'
	query
	json '[r["name"] for r in d["records"] if r["kind"] == "kernel"][:10]'
	expect_json 'sum(r["kind"] == "kernel" and re.match("[a-z_]{4}", r["function"] or "") is not None
		for r in d["records"]) > 20'
}

case_unit() {
	printf '%s\n' '[Service]' 'ExecStart=/opt/oxtest/spin' >/run/systemd/system/oxtest-work.service
	systemctl daemon-reload
	spawn root /opt/oxtest/spin
	systemctl start oxtest-work
	pid=$(systemctl show -P MainPID oxtest-work)
	oxprofctl unpause --unit=oxtest-work --frequency=499
	run_for "$pid" 1
	oxprofctl pause
	query --by=process
	expect_json "[r['pid'] for r in d['records']] == [$pid] and d['samples'] > 100"
	query --by=unit
	expect_json '[r["name"] for r in d["records"]] == ["oxtest-work.service"]'
}

# Of a process that does nothing itself.
case_children() {
	spawn_waiting root sh -c 'read -r go; for i in 1 2 3; do echo | /opt/oxtest/shares 0.3; done'
	oxprofctl unpause --pid="$pid" --children --frequency=499
	spawn_go
	wait "$pid"
	oxprofctl pause
	query --by=process
	json '[(r["name"], r["self"]) for r in d["records"]]'
	expect_json '[r["self"] > 100 for r in d["records"] if r["name"].startswith("shares")] == [True] * 3'
}

# A pause closes all events, a cancel takes out the programs too.
case_nothing_is_left() {
	local left
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=199
	[ "$(count_held perf_event)" -gt 0 ]
	[ "$(count_held bpf_link)" -gt 0 ]
	[ "$(count_held bpf-prog)" -gt 0 ]
	oxprofctl pause
	expect_equal "$(count_held perf_event)" 0
	expect_equal "$(count_held bpf_link)" 0
	oxprofctl cancel
	expect_equal "$(count_held bpf)" 0
	# The kernel frees them a moment later.
	wait_until sh -c '! bpftool prog show | grep -E "^[0-9]+: (perf_event|tracing)"'
	left=$(count_programs)
	systemctl stop oxprofd
	expect_equal "$left" "$(count_programs)"
}

is_another_daemon() {
	[ "$(daemon_pid)" -gt 0 ] && [ "$(daemon_pid)" != "$1" ] && systemctl is-active oxprofd
}

samples_stored() {
	sql 'SELECT sum(samples) FROM sessions'
}

has_stored() {
	[ "$(samples_stored)" -ge "$1" ]
}

# Through a restart, which loses nothing, and a kill -9, which loses nothing that is in the file.
case_restart_and_kill() {
	local before old
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=199
	run_for "$pid" 1
	query
	before=$(json 'd["samples"]')
	systemctl restart oxprofd
	is_state paused
	[ "$before" -gt 150 ]
	has_stored "$before"
	before=$(samples_stored)
	oxprofctl unpause --pid="$pid" --frequency=199
	wait_until has_stored $((before + 300))
	before=$(samples_stored)
	old=$(daemon_pid)
	kill -9 "$old"
	wait_until is_another_daemon "$old"
	is_state paused
	expect_equal "$(sql 'PRAGMA integrity_check')" ok
	has_stored "$before"
	oxprofctl unpause --pid="$pid" --frequency=199
	is_state running
}

# Of a job that ends: by a SIGKILL.
expect_killed() {
	local status=0
	wait "$1" || status=$?
	expect_equal "$status" 137
}

was_killed_for_memory() {
	grep -qE '^oom_kill [1-9]' "$1/memory.events" &&
		journalctl -q -o cat -u oxprofd --since="@$2" | grep -q 'killed by the OOM killer'
}

# The unit stays well below its limits while it works; where they are met, one of its helpers is killed,
# and the daemon goes on.
case_memory() {
	local began=$EPOCHSECONDS cgroup daemon eater before
	cgroup=/sys/fs/cgroup$(systemctl show -P ControlGroup oxprofd)
	daemon=$(daemon_pid)
	spawn root /usr/bin/python3 /opt/oxtest/sample.py
	oxprofctl unpause --all --frequency=199
	run_for "$pid" 2
	query
	before=$(json 'd["samples"]')
	echo "memory.peak $(cat "$cgroup/memory.peak") pids.peak $(cat "$cgroup/pids.peak" 2>/dev/null)"
	grep -E '^(anon|file|kernel) ' "$cgroup/memory.stat"
	expect_equal "$(cat "$cgroup/memory.high")" "$(systemctl show -P MemoryHigh oxprofd)"
	expect_equal "$(cat "$cgroup/memory.max")" "$(systemctl show -P MemoryMax oxprofd)"
	expect_equal "$(cat "$cgroup/pids.max")" "$(systemctl show -P TasksMax oxprofd)"
	[ "$(cat "$cgroup/memory.peak")" -lt $(($(cat "$cgroup/memory.high") / 2)) ]
	expect_equal "$(awk '$1 == "oom_kill" { print $2 }' "$cgroup/memory.events")" 0

	# Here a guest in its cgroup is the helper that takes too much.
	systemctl set-property --runtime oxprofd MemoryHigh=infinity \
		MemoryMax=$(($(cat "$cgroup/memory.current") + 67108864))
	# shellcheck disable=SC2016
	sh -c 'echo $$ >"$0/cgroup.procs" && echo 1000 >/proc/self/oom_score_adj &&
		exec python3 -c "bytearray(b\"x\" * (1 << 30))"' "$cgroup" &
	eater=$!
	expect_killed "$eater"
	wait_until was_killed_for_memory "$cgroup" "$began"
	run_for "$pid" 1
	expect_equal "$(daemon_pid)" "$daemon"
	expect_equal "$(systemctl is-active oxprofd)" active
	query
	expect_json "d['samples'] > $before"
	systemctl set-property --runtime oxprofd MemoryHigh= MemoryMax=
	rm -rf /run/systemd/system.control/oxprofd.service.d
	systemctl daemon-reload
}

is_refused() {
	query
	[ "$(json 'd["lost"].get("not-permitted", 0)')" -gt 0 ]
}

# A user sees what is own at each sample. Each kernel keeps elsewhere whether the memory is closed.
case_own() {
	local samples
	spawn alice /usr/bin/python3 -c '
import ctypes, signal
signal.signal(signal.SIGUSR1, lambda *_: ctypes.CDLL(None).prctl(4, 0)) # PR_SET_DUMPABLE
while True:
    pass'
	as alice oxprofctl unpause --pid="$pid" --frequency=499
	run_for "$pid" 1
	query
	expect_json 'd["samples"] > 100 and d["lost"].get("not-permitted", 0) == 0'
	kill -USR1 "$pid"
	wait_until is_refused
	samples=$(json 'd["samples"]')
	run_for "$pid" 1
	query
	expect_json "d['samples'] == $samples and d['lost']['not-permitted'] > 100"
}
