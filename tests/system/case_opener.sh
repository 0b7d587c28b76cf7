# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# The program that opens events where the kernel refuses them to the daemon. No kernel but Debian's
# has a level 3 of kernel.perf_event_paranoid; here the daemon's own filter refuses the call.

opener_drop_in=/run/systemd/system/oxprof-opener@.service.d/oxtest.conf

# The daemon anew, without events of its own; further lines of the drop-in as arguments.
opener_needed() {
	daemon_drop_in 'SystemCallFilter=~perf_event_open' "$@"
	systemctl restart oxprofd
}

# A drop-in for the opener, lines as arguments; without: none.
opener_change() {
	rm -rf "${opener_drop_in%/*}"
	if [ $# -gt 0 ]; then
		mkdir -p "${opener_drop_in%/*}"
		printf '%s\n' '[Service]' "$@" >"$opener_drop_in"
	fi
	systemctl daemon-reload
}

# As user oxprof, who alone may.
opener_ask() {
	as oxprof python3 ./opener.py "$@"
}

opener_is_gone() {
	! pgrep -x oxprof-opener &&
		[ -z "$(systemctl list-units --all --no-legend --plain 'oxprof-opener@*')" ]
}

# How often one was started since.
openers_started() {
	journalctl --sync
	journalctl -q -o cat -u 'oxprof-opener@*' --since="@$1" | grep -c '^Started' || true
}

opener_said() {
	journalctl --sync
	journalctl -q -o cat -t oxprof-opener --since="@$1"
}

# A journal may lag behind the end of who wrote.
expect_opener_said() {
	wait_until sh -c "journalctl -q -o cat -t oxprof-opener --since=@$1 | grep -qE '$2'"
}

# With one line, in $err, beside those that say how long it has been waited.
expect_unpause_fails() {
	local status=0
	oxprofctl unpause "$@" >/dev/null 2>/tmp/oxtest-err || status=$?
	expect_equal "$status" 1
	err=$(grep -v ': waiting until ' /tmp/oxtest-err)
	expect_equal "$(wc -l <<<"$err")" 1
	is_state paused
}

# How many events the daemon has.
daemon_events() {
	find "/proc/$(daemon_pid)/fd" -lname 'anon_inode:\[perf_event\]' | wc -l
}

# All of the CPU time of a program that knows how much that was.
expect_all_sampled() {
	local cpu_usec
	spawn_waiting root /opt/oxtest/shares 3 >/tmp/shares.out
	oxprofctl unpause --pid="$pid" --frequency=999
	spawn_go
	wait "$pid"
	oxprofctl pause
	cpu_usec=$(sed -n 's/^cpu_usec //p' /tmp/shares.out)
	query --pid="$pid"
	json 'd["samples"], d["lost"], '"$cpu_usec"
	# Ticks that came late may have been of time that the hypervisor took away.
	expect_json "(lambda wanted, late: 0.95 * wanted - late <= d['samples'] <= 1.05 * wanted)(
		$cpu_usec * 1e3 / d['interval_ns'], d['lost'].get('late', 0))"
	expect_json 'any(r["function"] == "five" for r in d["records"])'
}

case_opener_gives_the_same_samples() {
	local began=$EPOCHSECONDS before
	before=$(openers_started "$began")
	expect_all_sampled
	# It was not needed, and not started.
	expect_equal "$(openers_started "$began")" "$before"
	opener_needed
	expect_all_sampled
	expect_equal "$(openers_started "$began")" $((before + 1))
	wait_until opener_is_gone
}

# Two libraries in turn at one address: which one it was, and when, only the side band tells.
case_opener_gives_the_side_band() {
	local part first second
	opener_needed
	spawn_waiting root /opt/oxtest/reload /opt/oxtest/libfirst.so /opt/oxtest/libsecond.so 50 40 \
		>/tmp/reload.out
	oxprofctl unpause --pid="$pid" --frequency=999
	spawn_go
	wait "$pid"
	oxprofctl pause
	first=$(sed -n 's/^first_usec //p' /tmp/reload.out)
	second=$(sed -n 's/^second_usec //p' /tmp/reload.out)
	query --pid="$pid"
	json '[(r["name"], r["self"]) for r in d["records"][:9]]'
	for part in first second; do
		expect_json "abs(sum(r['self'] for r in d['records']
			if r['function'] == 'work_in_${part}_leaf' and r['module'] == 'lib$part.so')
			/ d['samples'] - ${!part} / ($first + $second)) < 0.1"
	done
}

# Events are there while something is sampled. For each time one opener is started, and gone at once.
case_opener_is_there_only_for_that() {
	local began=$EPOCHSECONDS started
	opener_needed
	started=$(openers_started "$began")
	spawn root /opt/oxtest/spin
	expect_equal "$(daemon_events)" 0
	oxprofctl unpause --pid="$pid"
	expect_equal "$(daemon_events)" $((2 * $(nproc)))
	wait_until opener_is_gone
	# What runs needs no more of it.
	oxprofctl unpause --comm=sh --frequency=199
	oxprofctl set-interval 0.01
	expect_equal "$(openers_started "$began")" $((started + 1))
	oxprofctl pause
	expect_equal "$(daemon_events)" 0
	oxprofctl unpause
	expect_equal "$(daemon_events)" $((2 * $(nproc)))
	oxprofctl cancel
	expect_equal "$(daemon_events)" 0
	oxprofctl unpause --pid="$pid"
	expect_equal "$(openers_started "$began")" $((started + 3))
	wait_until opener_is_gone
	# After a kill the session goes on by itself.
	systemctl kill -s KILL oxprofd
	wait_until is_state running
	wait_until opener_is_gone
	expect_equal "$(systemctl is-active oxprof-opener.socket)" active
	systemctl stop oxprofd
	wait_until opener_is_gone
	expect_equal "$(systemctl is-active oxprof-opener.socket)" inactive
	expect_not test -e /run/oxprof/opener
	expect_equal "$(stat -c '%U %a' /run/oxprof)" 'root 755'
}

# Whatever ends the daemon for good: the socket goes with it.
case_opener_goes_with_the_daemon() {
	expect_equal "$(stat -c '%U %a' /run/oxprof/opener)" 'oxprof 600'
	daemon_drop_in Restart=no
	systemctl kill -s KILL oxprofd
	wait_until sh -c '! systemctl is-active oxprof-opener.socket'
	# Starts in a row are no fault of the socket's.
	local i
	for ((i = 0; i < 8; i++)); do
		daemon_start
		systemctl is-active oxprof-opener.socket
		systemctl stop oxprofd
	done
}

has_events() {
	[ "$(daemon_events)" = "$1" ]
}

# A CPU that is offline has no events and is not asked for. When it comes it gets a timer with the next
# drain, and all it needs with the next unpause; here it is the daemon's view of it that changes.
case_opener_and_a_cpu_that_comes_later() {
	local began=$EPOCHSECONDS started
	if [ "$(nproc)" -lt 2 ]; then
		echo "SKIP: this machine has one CPU"
		return
	fi
	echo 0 >/tmp/oxtest-online
	opener_needed BindReadOnlyPaths=/tmp/oxtest-online:/sys/devices/system/cpu/online
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid"
	expect_equal "$(daemon_events)" 2
	started=$(openers_started "$began")
	oxprofctl set-interval 0.01
	expect_equal "$(daemon_events)" 2
	expect_equal "$(openers_started "$began")" "$started"
	echo 0-1 >/tmp/oxtest-online
	wait_until has_events 3
	expect_equal "$(openers_started "$began")" $((started + 1))
	oxprofctl pause
	oxprofctl unpause
	expect_equal "$(daemon_events)" 4
	wait_until opener_is_gone
}

# In one line: level or right, who is not there, what to do.
case_opener_not_running() {
	opener_needed
	spawn root /opt/oxtest/spin
	systemctl stop oxprof-opener.socket
	expect_unpause_fails --pid="$pid"
	expect_match "$err" 'cannot open a timer on each CPU: '
	expect_match "$err" 'oxprof-opener is not running at /run/oxprof/opener'
	expect_match "$err" 'systemctl start oxprof-opener.socket'
	expect_equal "$(sql 'SELECT count(*) FROM sessions')" 0
	systemctl start oxprof-opener.socket
	oxprofctl unpause --pid="$pid"
	is_state running
}

case_opener_that_fails() {
	local change
	opener_needed
	spawn root /opt/oxtest/spin
	opener_change 'ExecStart=' 'ExecStart=/bin/false'
	expect_unpause_fails --pid="$pid"
	expect_match "$err" "oxprof-opener did not answer .*journalctl -u 'oxprof-opener@"
	for change in 'CapabilityBoundingSet=' 'SystemCallFilter=~perf_event_open'; do
		opener_change "$change" AmbientCapabilities=
		expect_unpause_fails --pid="$pid"
		expect_match "$err" 'oxprof-opener could not either \((Permission denied|Operation not permitted)\)'
	done
	opener_change
	oxprofctl unpause --pid="$pid"
	is_state running
}

case_opener_is_for_the_daemon_alone() {
	local began=$EPOCHSECONDS
	expect_equal "$(opener_ask 1:1:0 1:2:0)" $'event\nevent'
	expect_equal "$(as alice python3 ./opener.py 1:1:0)" 'no connection: Permission denied'
	expect_equal "$(as symbolizer python3 ./opener.py 1:1:0)" 'no connection: Permission denied'
	expect_equal "$(opener_said "$began")" ''
	expect_equal "$(python3 ./opener.py 1:1:0 wait)" $'nothing\nnothing'
	expect_opener_said "$began" '^refused pid [0-9]+, uid 0: the socket belongs to another user'
	wait_until opener_is_gone
}

# Each line: what is sent, and what may come before nothing comes any more.
case_opener_refuses_what_it_does_not_know() {
	local began=$EPOCHSECONDS words wanted why
	while IFS='|' read -r words wanted why; do
		# shellcheck disable=SC2086
		expect_equal "$(opener_ask $words wait | tr '\n' ' ')" "${wanted}nothing "
		[ -z "$why" ] || expect_opener_said "$began" "$why"
		wait_until opener_is_gone
	done <<-'END'
		0:1:0|nothing |of another version
		2:1:0|nothing |of another version
		1:0:0|nothing |no such kind
		1:3:0|nothing |no such kind
		1:1:8191|nothing |no such CPU
		1:1:4294967295|nothing |no such CPU
		1:1:0 1:1:0|event nothing |asks for an event twice
		1:2:0 1:1:0 1:2:0|event event nothing |asks for an event twice
		raw:01|nothing |the wrong size
		raw:0100000001000000000000|nothing |the wrong size
		raw:010000000100000000000000ff|nothing |the wrong size
		raw:|nothing |
		fd:1:1:0|nothing |descriptors came
		1:1:0 close|event |
	END
	# A reply that nobody takes holds it no longer than its peer is there.
	expect_equal "$(opener_ask unread:1:1:0)" ''
	wait_until opener_is_gone
	# Nor does one who says nothing: it leaves.
	expect_equal "$(opener_ask wait)" nothing
	wait_until opener_is_gone
	# Each refusal is a line in the journal, and the socket is still there.
	expect_equal "$(opener_said "$began" |
		grep -cE "^refused pid [0-9]+, uid $(id -u oxprof): ")" 12
	expect_equal "$(opener_ask 1:1:0)" event
}

# One capability, no right of root's or oxprof's beside it.
case_opener_has_one_right() {
	local opener status
	mkfifo /tmp/oxtest-hold
	opener_ask 1:1:0 hold </tmp/oxtest-hold >/tmp/oxtest-held &
	exec {hold}>/tmp/oxtest-hold
	wait_until grep -q holds /tmp/oxtest-held
	opener=$(pgrep -x oxprof-opener)
	status=$(cat "/proc/$opener/status")
	for set in CapPrm CapEff CapBnd CapAmb; do
		expect_match "$status" "$set:[[:space:]]*0000000000200000" # CAP_SYS_ADMIN
	done
	expect_match "$status" $'NoNewPrivs:[[:space:]]*1\n'
	expect_match "$status" $'Seccomp:[[:space:]]*2\n'
	expect_not grep -qE "^[UG]id:.*[[:space:]](0|$(id -u oxprof)|$(id -g oxprof))[[:space:]]" \
		<<<"$status"
	# No network, no file but its own streams.
	expect_not test "$(readlink "/proc/$opener/ns/net")" = "$(readlink /proc/1/ns/net)"
	expect_equal "$(ls "/proc/$opener/fd")" $'0\n1\n2'
	# The one whom it serves cannot get at it.
	expect_not as oxprof sh -c "echo x >/proc/$opener/mem"
	echo >&"$hold"
	wait_until opener_is_gone
	rm /tmp/oxtest-hold
}
