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
	sleep 2
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
	sleep 1
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
	oxprofctl unpause --pid="$pid" --frequency=999
	sleep 1
	oxprofctl pause
	query
	local samples
	samples=$(json 'd["samples"]')
	oxprofctl unpause
	is_state running
	sleep 1
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
	sleep 1
	oxprofctl pause --pid="$first"
	is_state running
	query --pid="$first"
	local samples
	samples=$(json 'd["samples"]')
	sleep 1
	query --pid="$first"
	expect_json "d['samples'] == $samples and d['samples'] > 30"
	query --pid="$pid"
	expect_json "d['samples'] > $samples + 50"
}

case_cancel() {
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	sleep 1
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
	sleep 2
	query
	expect_json "d['samples'] > $samples + 50"
}

case_for_ends_by_itself() {
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --for=2s
	is_state running
	wait_until is_state paused
	query
	expect_json '10 < d["samples"] < 300'
}

case_restart() {
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	sleep 2
	local before
	query
	before=$(json 'd["samples"]')
	systemctl restart oxprofd
	is_state paused
	query
	expect_json "d['samples'] >= $before"
	expect_refused 1 oxprofctl unpause
	expect_equal "$(sql 'SELECT count(*) FROM sessions WHERE ended IS NULL')" 0
	# Its end is that of its last second, not that of a window that it did not live to see.
	expect_equal "$(sql "SELECT ended <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') FROM sessions")" 1
	expect_equal "$(sql "SELECT unixepoch(ended) - unixepoch(started) < 9 FROM sessions")" 1
}

# Also where systemd has not yet seen the end of the old one.
is_another_daemon() {
	[ "$(daemon_pid)" -gt 0 ] && [ "$(daemon_pid)" != "$1" ] &&
		systemctl is-active oxprofd
}

# At most the last second of samples is lost.
case_kill() {
	local old started_ms wanted
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	started_ms=$(cpu_ms "$pid")
	sleep 4.5
	old=$(daemon_pid)
	wanted=$((($(cpu_ms "$pid") - started_ms - 1150) * 99 / 100))
	kill -9 "$old"
	wait_until is_another_daemon "$old"
	is_state paused
	expect_equal "$(sql 'PRAGMA integrity_check')" ok
	query
	expect_json "d['samples'] >= $wanted"
	expect_json 'any(r["function"] == "leaf_spin" for r in d["records"])'
	expect_equal "$(sql 'SELECT count(*) FROM sessions WHERE ended IS NULL')" 0
}

case_stop_keeps_all() {
	local samples spent
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	sleep 2.5
	query
	samples=$(json 'd["samples"]')
	# By what it ran meanwhile: it need not have a CPU of its own.
	spent=$(cpu_ms "$pid")
	sleep 0.5
	spent=$(($(cpu_ms "$pid") - spent))
	systemctl stop oxprofd
	expect_equal "$(systemctl show -P Result oxprofd)" success
	[ "$spent" -gt 50 ]
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

# The interval that was achieved is that of the session, whatever is wanted next.
case_achieved_interval() {
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --interval=0.002
	sleep 1
	oxprofctl cancel
	expect_ok oxprofctl status --json
	expect_json '1.8e6 < d["achieved_mean_ns"] < 2.2e6 and d["interval_ns"] == 10101010'
}

# Deeper than is kept: the leaf end is there, and the stack says that it goes on.
case_cut_stack() {
	spawn root /opt/oxtest/deep
	oxprofctl unpause --pid="$pid" --frequency=999
	sleep 1
	oxprofctl pause
	query --by=stack
	expect_json 'd["lost"]["stack-cut"] > 10'
	expect_json 'any(r["name"].startswith("[cut];descend(deep);descend(deep)")
		and r["name"].endswith(";descend(deep);bottom(deep)") for r in d["records"])'
	query --by=function
	expect_json 'all(r["total"] <= d["samples"] for r in d["records"])'
}
