# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# What a user may do who is not root and whom nobody asks for a password.

case_own_process() {
	spawn alice /opt/oxtest/spin
	as alice oxprofctl unpause --pid="$pid" --frequency=999
	spend 300 "$pid"
	out=$(as alice oxprofctl query --json --max=0)
	expect_json 'd["samples"] > 50 and any(r["function"] == "leaf_spin" for r in d["records"])'
	expect_json 'not any(r["kind"] == "kernel" for r in d["records"])'
	as alice oxprofctl pause --pid="$pid"
	as alice oxprofctl status >/dev/null
	is_state paused
}

case_process_of_others() {
	spawn bob /opt/oxtest/spin
	expect_refused 1 as alice oxprofctl unpause --pid="$pid"
	expect_refused 1 as alice oxprofctl unpause --pid="$(daemon_pid)"
	expect_refused 1 as alice oxprofctl unpause --pid=1
	expect_refused 1 as alice oxprofctl unpause --user=bob
	expect_refused 1 as alice oxprofctl unpause --user=root
	expect_refused 1 as alice oxprofctl unpause --comm=spin
	expect_refused 1 as alice oxprofctl unpause --unit=dbus.service
	expect_refused 1 as alice oxprofctl unpause --cgroup=/system.slice
	expect_refused 1 as alice oxprofctl unpause --all
	expect_refused 1 as alice oxprofctl unpause --pid=1 --children
}

# It is one's own, but for one that costs the machine much.
case_interval_of_a_user() {
	as alice oxprofctl set-interval 0.5
	expect_refused 1 as alice oxprofctl set-interval 0.0005
	expect_refused 1 as alice oxprofctl set-interval 0.5 --all-users
	out=$(as alice oxprofctl status --json)
	expect_json 'd["interval_ns"] == 5e8'
	expect_ok oxprofctl status --json
	expect_json 'd["interval_ns"] == 10101010'
}

# Own by its user, but a program with the setuid bit.
case_setuid_process() {
	install -o root -m 4755 /opt/oxtest/spin /opt/oxtest/spin-setuid
	spawn alice /opt/oxtest/spin-setuid
	expect_refused 1 as alice oxprofctl unpause --pid="$pid"
	rm /opt/oxtest/spin-setuid
}

case_session_of_others() {
	spawn bob /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	local before
	before=$(daemon_state)
	as alice oxprofctl pause
	as alice oxprofctl cancel
	expect_equal "$(daemon_state)" "$before"
	expect_refused 1 as alice oxprofctl pause --pid="$pid"
	expect_refused 1 as alice oxprofctl unpause
	expect_refused 1 as alice oxprofctl pause --all-users
	expect_refused 1 as alice oxprofctl cancel --all-users
	is_state_of root running
}

case_query_is_filtered() {
	local bobs
	spawn bob /opt/oxtest/spin
	bobs=$pid
	spawn alice /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --pid="$bobs" --frequency=999
	spend 300 "$pid" "$bobs"
	oxprofctl pause
	query --by=process
	expect_json "sorted(r['pid'] for r in d['records']) == sorted([$pid, $bobs])"
	out=$(as alice oxprofctl query --json --by=process)
	expect_json "[r['pid'] for r in d['records']] == [$pid]"
	out=$(as alice oxprofctl query --json --max=0)
	expect_json 'not any(r["kind"] == "kernel" for r in d["records"])'
	out=$(as symbolizer oxprofctl query --json)
	expect_json 'd["samples"] == 0 and d["records"] == []'
}

# Needs the owner annotation of the actions: without it a rule's yes ends in a denial.
case_polkit_rule() {
	spawn bob /opt/oxtest/spin
	expect_refused 1 as alice oxprofctl unpause --pid="$pid"
	cat >/etc/polkit-1/rules.d/oxtest.rules <<-END
		polkit.addRule(function(action, subject) {
			if (action.id == "org.oxprof1.profile-others" && subject.user == "alice")
				return polkit.Result.YES;
		});
	END
	wait_until as alice oxprofctl unpause --pid="$pid"
	is_state_of alice running
	is_state_of root paused
	expect_refused 1 as alice oxprofctl set-interval 0.0005
}

case_without_polkit() {
	systemctl mask --runtime --now -q polkit
	spawn bob /opt/oxtest/spin
	expect_refused 1 as alice oxprofctl unpause --pid="$pid"
	oxprofctl unpause --pid="$pid"
	is_state_of root running
	oxprofctl cancel
	spawn alice /opt/oxtest/spin
	as alice oxprofctl unpause --pid="$pid"
	is_state_of alice running
	systemctl unmask --runtime -q polkit
}

case_limit_for_a_user() {
	local n options=()
	for ((n = 0; n < 65; n++)); do
		spawn alice /bin/sleep 1000
		options+=("--pid=$pid")
	done
	expect_refused 1 as alice oxprofctl unpause "${options[@]}"
}

# What root has asked for is not changed by who asks for less of the same, and goes on without it.
case_two_owners() {
	spawn alice /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	as alice oxprofctl unpause --pid="$pid"
	expect_ok oxprofctl status --json --all-users
	expect_json "sorted(t['owner'] for t in d['targets']) == [0, $(id -u alice)]
		and len({t['session'] for t in d['targets']}) == 2"
	spend 300 "$pid"
	query
	expect_json 'any(r["kind"] == "kernel" for r in d["records"])'
	out=$(as alice oxprofctl query --json --max=0)
	expect_json 'd["samples"] > 0 and not any(r["kind"] == "kernel" for r in d["records"])'
	as alice oxprofctl pause --pid="$pid"
	is_state_of root running
	as alice oxprofctl unpause
	oxprofctl pause --pid="$pid"
	is_state_of root paused
	is_state_of alice running
}
