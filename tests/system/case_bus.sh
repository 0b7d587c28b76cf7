# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# The interface as plain busctl sees it.

manager=(org.oxprof1 /org/oxprof1 org.oxprof1.Manager)

case_bus_introspect() {
	local member
	expect_ok busctl introspect "${manager[@]}"
	for member in Unpause Pause Cancel SetInterval Query QueryByFileDescriptor Export History GetStatus \
		State Mode Interval Targets Samples Lost Version DatabasePath; do
		grep -q "^\\.$member " <<<"$out" || fail "no $member"
	done
	expect_ok busctl tree org.oxprof1
	expect_match "$out" /org/oxprof1
}

case_bus_properties() {
	expect_equal "$(busctl get-property "${manager[@]}" State)" 's "paused"'
	expect_equal "$(busctl get-property "${manager[@]}" Mode)" 's "cpu"'
	expect_equal "$(busctl get-property "${manager[@]}" Targets)" 'as 0'
	expect_equal "$(busctl get-property "${manager[@]}" Samples)" 't 0'
	expect_equal "$(busctl get-property "${manager[@]}" DatabasePath)" "s \"$database\""
	expect_match "$(busctl get-property "${manager[@]}" Version)" '^s "[0-9.]+"$'
	busctl get-property "${manager[@]}" Interval | grep -q '^d 0\.0101'
	expect_fail 1 busctl set-property "${manager[@]}" Interval d 1
}

case_bus_session() {
	spawn root /opt/oxtest/spin
	busctl call "${manager[@]}" Unpause 'asa{sv}' 1 "pid:$pid" 1 interval d 0.001
	expect_equal "$(busctl get-property "${manager[@]}" State)" 's "running"'
	expect_equal "$(busctl get-property "${manager[@]}" Targets)" "as 1 \"pid:$pid\""
	spend 300 "$pid"
	expect_ok busctl --json=short call "${manager[@]}" Query 'a{sv}' 1 max u 3
	expect_json 'd["data"][0]["samples"]["data"] > 50 and len(d["data"][1]) == 3'
	busctl call "${manager[@]}" SetInterval d 0.01
	busctl call "${manager[@]}" Pause as 0
	expect_equal "$(busctl get-property "${manager[@]}" State)" 's "paused"'
	expect_ok busctl --json=short call "${manager[@]}" History 'a{sv}' 0
	expect_json 'len(d["data"][0]) >= 1'
	expect_ok busctl --json=short call "${manager[@]}" GetStatus
	busctl call "${manager[@]}" Cancel
	expect_equal "$(busctl get-property "${manager[@]}" Targets)" 'as 0'
}

# What tells that the monitor listens: each release of busctl says something else, or nothing.
probe_is_seen() {
	busctl emit /org/oxprof1 org.oxtest Probe
	grep -q Probe /tmp/signals
}

case_bus_changes_are_told() {
	spawn root /opt/oxtest/spin
	busctl monitor --json=short --match="type='signal',path='/org/oxprof1'" \
		>/tmp/signals &
	wait_until probe_is_seen
	# Not by the bus, so there is nobody to be told.
	oxprofctl unpause --pid="$pid"
	busctl call "${manager[@]}" Pause as 0
	wait_until grep -q '"State".*paused' /tmp/signals
	expect_not grep -q '"State".*running' /tmp/signals
	expect_match "$(grep PropertiesChanged /tmp/signals)" '"destination":":'
}

case_bus_bad_calls() {
	local before
	before=$(daemon_state)
	expect_fail 1 busctl call "${manager[@]}" Unpause 'asa{sv}' 1 pid:x 0
	expect_fail 1 busctl call "${manager[@]}" Unpause 'asa{sv}' 1 nonsense 0
	expect_fail 1 busctl call "${manager[@]}" Unpause 'asa{sv}' 1 pid:1 1 interval d 0
	expect_fail 1 busctl call "${manager[@]}" Unpause 'asa{sv}' 1 pid:1 1 interval s often
	expect_fail 1 busctl call "${manager[@]}" Unpause 'asa{sv}' 1 pid:1 1 colour s red
	expect_fail 1 busctl call "${manager[@]}" Unpause 'asa{sv}' 1 pid:1 1 mode s sideways
	expect_fail 1 busctl call "${manager[@]}" SetInterval d nan
	expect_fail 1 busctl call "${manager[@]}" SetInterval d -1
	expect_fail 1 busctl call "${manager[@]}" Query 'a{sv}' 1 by s moon
	expect_fail 1 busctl call "${manager[@]}" Query 'a{sv}' 1 filter s '('
	expect_equal "$(daemon_state)" "$before"
}

bus_answers() {
	busctl --auto-start=no get-property "${manager[@]}" State
}

samples_of() {
	sql "SELECT samples FROM sessions WHERE id = $1"
}

has_more_samples() {
	[ "$(samples_of "$1")" -gt "$2" ]
}

# The bus goes away and comes back: the daemon is the same one, and so is its session.
case_bus_restart() {
	local daemon session samples busy
	printf '%s\n' '[Service]' 'ExecStart=/opt/oxtest/spin' >/run/systemd/system/oxtest-bus.service
	systemctl daemon-reload
	spawn root /opt/oxtest/spin
	busy=$pid
	daemon=$(daemon_pid)
	oxprofctl unpause --pid="$busy" --unit=oxtest-bus.service --frequency=999
	wait_until has_more_samples 1 0
	session=$(sql 'SELECT max(id) FROM sessions')
	systemctl restart dbus
	wait_until bus_answers
	samples=$(samples_of "$session")
	wait_until has_more_samples "$session" "$samples"
	expect_equal "$(daemon_pid)" "$daemon"
	expect_equal "$(sql 'SELECT count(*) FROM sessions')" 1
	expect_equal "$(sql 'SELECT ended IS NULL FROM sessions')" 1
	expect_ok as daemon oxprofctl status --json
	expect_json 'd["state"] == "paused" and d["sessions"] == []'
	expect_ok oxprofctl status --json
	expect_json "d['session'] == $session"
	# Units are followed over the new bus, too.
	expect_json 'any(t["target"] == "unit:oxtest-bus.service" and t["state"] == "waiting" for t in d["targets"])'
	systemctl start oxtest-bus.service
	wait_until unit_is_sampled
	expect_equal "$(journalctl -q -o cat _PID="$daemon" | grep -c 'the system bus is gone')" 1
	expect_equal "$(journalctl -q -o cat _PID="$daemon" | grep -c 'the system bus is back after')" 1
	oxprofctl pause
}

unit_is_sampled() {
	oxprofctl status --json | python3 -c 'import json, sys
sys.exit(not any(t["target"] == "unit:oxtest-bus.service" and t["state"] == "running" and t["samples"] > 0
	for t in json.load(sys.stdin)["targets"]))'
}
