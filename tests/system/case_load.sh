# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The kernel side while it is loaded, ahead and at the first unpause; tests/workloads/libraries/loading.c stands
# in for a kernel that takes its time or refuses.

is_kernel() {
	[ "$(oxprofctl status --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["kernel"])')" = "$1" ]
}

# The daemon started afresh, with a kernel that waits (loading) or refuses (refusing).
start_with_kernel() {
	touch "/run/oxtest-$1"
	daemon_drop_in Environment=LD_PRELOAD=/opt/oxtest/loading.so WatchdogSec=2
	systemctl restart oxprofd
}

# How many descriptors of a kind (bpf-prog, bpf_link, \[perf_event\]) the daemon has; others of this
# kernel may have their own.
daemon_has() {
	find "/proc/$(daemon_pid)/fd" -lname "anon_inode:$1" -printf x | wc -c
}

daemon_has_no() {
	[ "$(daemon_has "$1")" = 0 ]
}

# Loaded it is attached to nothing, and nothing is open; paused it is again.
case_load_ahead() {
	wait_until is_kernel loaded
	is_state paused
	[ "$(daemon_has bpf-prog)" -gt 0 ]
	daemon_has_no bpf_link
	daemon_has_no '\[perf_event\]'
	oxprofctl unpause --all
	[ "$(daemon_has bpf_link)" -gt 0 ]
	[ "$(daemon_has '\[perf_event\]')" -gt 0 ]
	oxprofctl pause
	daemon_has_no bpf_link
	daemon_has_no '\[perf_event\]'
	is_kernel loaded
	oxprofctl cancel
	is_kernel unloaded
	daemon_has_no bpf-prog
}

# While the kernel verifies, all else is answered, the watchdog is content (of 2 s here, and the
# kernel takes three times that), and who unpauses is told what he waits for.
case_load_is_slow() {
	local old unpausing
	start_with_kernel loading
	old=$(daemon_pid)
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" 2>/tmp/waiting &
	unpausing=$!
	wait_until grep -q 'waiting until the kernel has verified the BPF programs' /tmp/waiting
	wait_until sh -c 'oxprofctl status | grep -qE "Kernel: loading: .* for ([6-9]s|[0-9]{2}|[0-9]+min)"'
	expect_ok oxprofctl query --json
	expect_ok oxprofctl history
	is_state paused
	expect_equal "$(daemon_pid)" "$old"
	rm /run/oxtest-loading
	wait $unpausing
	is_state running
	expect_equal "$(daemon_pid)" "$old"
}

case_load_is_cancelled() {
	local unpausing
	start_with_kernel loading
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" 2>/tmp/waiting &
	unpausing=$!
	wait_until grep -q 'waiting until' /tmp/waiting
	oxprofctl cancel
	expect_not wait $unpausing
	grep -q 'unpause: cancelled before the BPF programs were loaded' /tmp/waiting
	is_kernel unloaded
	# The one that was left alone frees what it made; a daemon that is stopped does not wait for it.
	rm /run/oxtest-loading
	wait_until daemon_has_no bpf-prog
	oxprofctl unpause --pid="$pid"
	is_state running
}

case_load_and_stop() {
	start_with_kernel loading
	is_kernel loading
	systemctl stop oxprofd
	expect_equal "$(systemctl show -P Result oxprofd)" success
	rm /run/oxtest-loading
}

# What the verifier says is for the journal, its last line for who asked; it is no missing right.
case_load_is_refused() {
	start_with_kernel refusing
	spawn root /opt/oxtest/spin
	expect_refused 1 oxprofctl unpause --pid="$pid"
	expect_match "$err" "verifier of Linux $(uname -r) refused them: combined stack size of 4 calls is 544"
	expect_not grep -q CAP_ <<<"$err"
	is_kernel failed
	expect_match "$(oxprofctl status)" 'Notice: .*combined stack size'
	journalctl -q -u oxprofd | grep -q 'kernel: 0: (b7) r0 = 0'
	# The reason is gone: the next unpause tries again.
	rm /run/oxtest-refusing
	oxprofctl unpause --pid="$pid"
	is_state running
}

# CPU time of the daemon so far, in microseconds.
daemon_cpu_usec() {
	local ns
	read -r ns _ <"/proc/$(daemon_pid)/schedstat"
	echo $((ns / 1000))
}

# What the kernel side sent in the last moment of a session does not keep the daemon awake.
case_load_paused_sleeps() {
	local before
	spawn root sh -c 'while :; do /bin/true; done'
	for _ in 1 2 3 4 5 6 7 8; do
		oxprofctl unpause --all --frequency=999
		sleep 0.3
		oxprofctl pause
		before=$(daemon_cpu_usec)
		sleep 0.5
		[ $(($(daemon_cpu_usec) - before)) -lt 10000 ]
	done
}

# ---- a machine on its knees ----

# The scheduling of a process's first thread, which takes orders and samples.
policy() {
	chrt -p "$1" | sed -n 's/.*policy: //p'
}

# The daemon goes before what it profiles; its helpers, whose work others make, do not.
case_load_goes_first() {
	local helper
	expect_equal "$(policy "$(daemon_pid)")" SCHED_RR
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid"
	wait_until pgrep -P "$(daemon_pid)" oxprof-symboliz >/dev/null
	for helper in $(pgrep -P "$(daemon_pid)"); do
		# Some end meanwhile.
		wait_until sh -c "[ ! -d /proc/$helper ] || chrt -p $helper | grep -q 'policy: SCHED_OTHER'"
	done
	expect_equal "$(policy "$(daemon_pid)")" SCHED_RR
	oxprofctl cancel
	oxprofctl unpause --pid="$pid"
}

# Where nobody may, it works as any other program.
case_load_goes_as_others() {
	daemon_drop_in CPUSchedulingPolicy=other LimitRTPRIO=0
	systemctl restart oxprofd
	expect_equal "$(policy "$(daemon_pid)")" SCHED_OTHER
	journalctl -q -u oxprofd | grep -q 'cannot get real-time priority: Operation not permitted'
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid"
	wait_until sh -c 'oxprofctl status | grep -qE "Samples: [1-9]"'
}

# What root orders does not wait for the bus to get a CPU: here it never does.
case_load_without_the_bus() {
	local bus
	spawn root /opt/oxtest/spin
	wait_until is_kernel loaded
	bus=$(systemctl show -P MainPID dbus)
	kill -STOP "$bus"
	{
		timeout "$WAIT_SECONDS" oxprofctl unpause --pid="$pid" &&
			timeout "$WAIT_SECONDS" oxprofctl status >/tmp/status &&
			timeout "$WAIT_SECONDS" oxprofctl query >/tmp/query &&
			timeout "$WAIT_SECONDS" oxprofctl pause &&
			timeout "$WAIT_SECONDS" oxprofctl cancel
	} || { kill -CONT "$bus" && fail "an order waited for the bus"; }
	kill -CONT "$bus"
	grep -q 'State: running' /tmp/status
	is_state paused
	# Who is not root goes by way of the bus, and may not come in here.
	expect_not as nobody busctl --address=unix:path=/run/oxprofd/direct list
}
