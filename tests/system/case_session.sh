# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# A session from its beginning to its end, and what may come between.

case_start_is_paused() {
	expect_equal "$(systemctl is-active oxprofd)" active
	expect_ok oxprofctl status --json
	expect_json 'd["state"] == "paused" and d["targets"] == [] and d["samples"] == 0'
	expect_equal "$(stat -c '%U %G %a' /var/lib/oxprof)" "oxprof oxprof-read 2750"
	expect_equal "$(stat -c '%U %G %a' "$database")" "oxprof oxprof-read 640"
	grep -q '^CapEff:[[:space:]]*000001c000080004$' "/proc/$(daemon_pid)/status"
}

case_unpause_query_pause() {
	spawn root /opt/oxtest/spin
	expect_ok oxprofctl unpause --pid="$pid" --frequency=999
	expect_ok oxprofctl status --json
	expect_json 'd["state"] == "running" and len(d["targets"]) == 1'
	spend 300 "$pid"
	query
	expect_json 'd["state"] == "running" and d["interval_ns"] == 1001001 and d["samples"] > 50'
	expect_json 'any(r["function"] == "leaf_spin" and r["kind"] == "native" and r["self"] > 0
		for r in d["records"])'
	expect_json 'any(r["function"] == "outer_spin" and r["total"] > r["self"]
		for r in d["records"])'
	expect_json 'all(set(r) >= {"name", "function", "module", "file", "line", "kind", "self",
		"total", "self_share", "total_share"} for r in d["records"])'
	expect_json 'all(math.isclose(r["self_share"], r["self"] / d["samples"], abs_tol=1e-6)
		for r in d["records"])'
	expect_ok oxprofctl pause
	is_state paused
	query
	local samples
	samples=$(json 'd["samples"]')
	spend 300 "$pid"
	query
	expect_json "d['samples'] == $samples and d['state'] == 'paused'"
	expect_ok oxprofctl show
	expect_match "$out" outer_spin
	expect_ok oxprofctl query --max=1 --filter='^leaf_spin'
	expect_match "$out" leaf_spin
	expect_ok oxprofctl history --json
	expect_json "len(d['sessions']) == 1 and d['sessions'][0]['samples'] == $samples"
}

case_resume() {
	spawn root /opt/oxtest/spin
	profile "$pid" 300
	query
	local samples
	samples=$(json 'd["samples"]')
	oxprofctl unpause
	is_state running
	spend 300 "$pid"
	query
	expect_json "d['samples'] > $samples + 50"
	expect_equal "$(sql 'SELECT count(*) FROM sessions')" 2
}

case_pause_one_of_two() {
	local first
	spawn root /opt/oxtest/spin
	first=$pid
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$first" --pid="$pid" --frequency=999
	spend 200 "$first" "$pid"
	oxprofctl pause --pid="$first"
	is_state running
	local samples others
	query --pid="$pid"
	others=$(json 'd["samples"]')
	query --pid="$first"
	samples=$(json 'd["samples"]')
	spend 300 "$first" "$pid"
	query --pid="$first"
	expect_json "d['samples'] == $samples and d['samples'] > 30"
	query --pid="$pid"
	expect_json "d['samples'] > $others + 50"
}

case_cancel() {
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 300 "$pid"
	oxprofctl cancel
	expect_ok oxprofctl status --json
	expect_json 'd["state"] == "paused" and d["targets"] == []'
	query
	expect_json 'd["samples"] > 50'
	expect_refused 1 oxprofctl unpause
}

case_set_interval() {
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=99
	oxprofctl set-interval 0.001
	expect_match "$(busctl get-property org.oxprof1 /org/oxprof1 org.oxprof1.Manager Interval)" \
		'^d 0\.001$'
	query
	local samples
	samples=$(json 'd["samples"]')
	# 30 samples at the rate of before.
	spend 300 "$pid"
	query
	expect_json "d['samples'] > $samples + 150"
}

# After four seconds, neither sooner nor later, however late it is noticed here.
case_for_ends_by_itself() {
	local before after
	spawn root /opt/oxtest/spin
	before=$(date +%s%6N)
	oxprofctl unpause --pid="$pid" --for=4s --frequency=999
	after=$(date +%s%6N)
	expect_ok oxprofctl status --json
	expect_json "d['state'] == 'running'
		and $before + 4e6 <= d['targets'][0]['until'] <= $after + 4e6"
	wait_until is_state paused
	expect_ok oxprofctl history --json
	expect_json 'd["sessions"][0]["ended"] - d["sessions"][0]["started"] > 3.9e6
		and d["sessions"][0]["samples"] > 10'
}

case_restart() {
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 300 "$pid"
	local before after
	query
	before=$(json 'd["samples"]')
	systemctl restart oxprofd
	after=$(date -u +%FT%TZ)
	is_state paused
	query
	expect_json "d['samples'] >= $before"
	expect_refused 1 oxprofctl unpause
	expect_equal "$(sql 'SELECT count(*) FROM sessions WHERE ended IS NULL')" 0
	# Its end is that of its last second, not that of a window that it did not live to see.
	expect_equal "$(sql "SELECT ended <= '$after' FROM sessions")" 1
}

# Also where systemd has not yet seen the end of the old one.
is_another_daemon() {
	[ "$(daemon_pid)" -gt 0 ] && [ "$(daemon_pid)" != "$1" ] &&
		systemctl is-active oxprofd
}

# How long a process was ready to run so far and had no CPU, in milliseconds.
delay_ms() {
	local delay
	read -r _ delay _ <"/proc/$1/schedstat"
	echo $((delay / 1000000))
}

# At most the last second of samples is lost, and what the daemon had to wait for a CPU. The session goes
# on by itself, as another row.
case_kill() {
	local old started_ms delayed_ms wanted
	spawn root /opt/oxtest/spin
	old=$(daemon_pid)
	oxprofctl unpause --pid="$pid" --frequency=999
	wait_tables "$pid"
	started_ms=$(cpu_ms "$pid")
	delayed_ms=$(delay_ms "$old")
	spend 3300 "$pid"
	wanted=$((($(cpu_ms "$pid") - started_ms - 1150) * 99 / 100))
	kill -STOP "$old"
	wait_until grep -q '^State:.T' "/proc/$old/status"
	wanted=$((wanted - $(delay_ms "$old") + delayed_ms))
	kill -9 "$old"
	wait_until is_another_daemon "$old"
	wait_until is_state running
	expect_equal "$(sql 'PRAGMA integrity_check')" ok
	query
	expect_json "d['samples'] >= $wanted"
	expect_json 'any(r["function"] == "leaf_spin" for r in d["records"])'
	expect_equal "$(sql 'SELECT ended IS NULL, interval_ns FROM sessions ORDER BY id')" $'0|1001001\n1|1001001'
	expect_ok oxprofctl status --json
	expect_json 'd["notice"] == "the daemon was killed; 1 session was resumed"'
	oxprofctl pause
	is_state paused
}

case_stop_keeps_all() {
	local samples spent
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 500 "$pid"
	query
	samples=$(json 'd["samples"]')
	spent=$(cpu_ms "$pid")
	spend 300 "$pid"
	spent=$(($(cpu_ms "$pid") - spent))
	systemctl stop oxprofd
	expect_equal "$(systemctl show -P Result oxprofd)" success
	[ "$(sql 'SELECT sum(samples) FROM sessions')" -ge $((samples + spent * 8 / 10 - 20)) ]
	expect_equal "$(sql 'PRAGMA integrity_check')" ok
}

case_reload() {
	local old
	old=$(daemon_pid)
	mkdir -p /etc/oxprof/oxprofd.conf.d
	printf '[Sampling]\nInterval=0.02\n' >/etc/oxprof/oxprofd.conf.d/oxtest.conf
	systemctl reload oxprofd
	expect_equal "$(daemon_pid)" "$old"
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid"
	expect_match "$(busctl get-property org.oxprof1 /org/oxprof1 org.oxprof1.Manager Interval)" \
		'^d 0\.02$'
	printf '[Sampling]\nInterval=never\n' >/etc/oxprof/oxprofd.conf.d/oxtest.conf
	systemctl reload oxprofd
	is_state running
	journalctl -q -u oxprofd | grep -q 'oxtest.conf:2'
}

case_hang_is_noticed() {
	local old
	daemon_drop_in WatchdogSec=2
	systemctl restart oxprofd
	old=$(daemon_pid)
	kill -STOP "$old"
	wait_until test ! -d "/proc/$old"
	wait_until is_state paused
}

case_activation_by_bus() {
	systemctl -q enable oxprofd
	systemctl stop oxprofd
	expect_ok oxprofctl status --json
	systemctl -q disable oxprofd
	expect_json 'd["state"] == "paused"'
	systemctl is-active -q oxprofd
}

# What changes nothing begins no new session: a request that is refused, and one that is fulfilled.
case_session_goes_on() {
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	expect_refused 1 oxprofctl unpause --pid=4194303
	expect_refused 1 oxprofctl unpause --comm=spin --unit=no-such-unit
	oxprofctl unpause --pid="$pid"
	expect_equal "$(sql 'SELECT count(*) FROM sessions')" 1
	is_state running
}

# The interval that was achieved is that of the session, whatever is wanted next. Ticks of a CPU that was
# taken away from the machine are late.
case_achieved_interval() {
	local steal
	spawn root /opt/oxtest/spin
	steal=$(steal_usec)
	oxprofctl unpause --pid="$pid" --interval=0.002
	spend 500 "$pid"
	oxprofctl cancel
	steal=$(($(steal_usec) - steal))
	expect_ok oxprofctl status --json
	expect_json "1.8e6 < d['achieved_mean_ns'] < 2.2e6 * (1 + $steal / 500e3)
		and d['interval_ns'] == 10101010"
}

# Deeper than is kept: the leaf end is there, and the stack says that it goes on.
case_cut_stack() {
	spawn root /opt/oxtest/deep
	profile "$pid" 500
	query --by=stack
	expect_json 'd["lost"]["stack-cut"] > 10'
	expect_json 'any(r["name"].startswith("[cut];descend(deep);descend(deep)")
		and r["name"].endswith(";descend(deep);bottom(deep)") for r in d["records"])'
	query --by=function
	expect_json 'all(r["total"] <= d["samples"] for r in d["records"])'
}
