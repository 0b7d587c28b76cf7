# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# Exports: who sees what, and what the sandbox of the daemon lets its thread do.

manager=(org.oxprof1 /org/oxprof1 org.oxprof1.Manager)

# The sum of folded stacks in $out.
folded_sum() {
	awk '{ sum += $NF } END { print sum + 0 }' <<<"$out"
}

daemon_threads() {
	cat "/proc/$(daemon_pid)/task"/*/comm
}

no_export_runs() {
	! daemon_threads | grep -q '^oxprofd-export$'
}

# All that was sampled up to the question is in it, also while it goes on.
case_export_agrees_with_query() {
	local samples spent
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	spent=$(cpu_ms "$pid")
	spend 1000 "$pid"
	spent=$(($(cpu_ms "$pid") - spent))
	expect_ok oxprofctl query --format=folded
	[ "$(folded_sum)" -ge $((spent * 8 / 10 - 20)) ] || fail "$(folded_sum) samples of $spent ms"
	oxprofctl pause
	query
	samples=$(json 'd["samples"]')
	expect_ok oxprofctl query --format=folded
	expect_equal "$(folded_sum)" "$samples"
	grep -q leaf_spin <<<"$out"
	wait_until no_export_runs
}

case_export_is_filtered() {
	local bobs alices
	spawn bob /usr/bin/python3 /opt/oxtest/sample.py
	bobs=$pid
	spawn alice /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --pid="$bobs" --frequency=999
	spend 600 "$pid" "$bobs"
	oxprofctl pause
	query --by=process
	alices=$(json "[r['self'] for r in d['records'] if r['pid'] == $pid][0]")
	expect_ok as alice oxprofctl query --format=folded
	expect_equal "$(folded_sum)" "$alices"
	grep -q leaf_spin <<<"$out"
	! grep -q 'count_primes' <<<"$out" || fail "alice sees what bob's process does: $out"
	! grep -q '(kernel)' <<<"$out" || fail "alice sees the kernel: $out"
	expect_ok oxprofctl query --format=folded
	grep -q 'count_primes' <<<"$out"
	expect_refused 1 as alice oxprofctl query --format=folded --user=bob
	expect_refused 1 as alice oxprofctl query --format=folded --all
	expect_refused 1 oxprofctl query --format=folded --session=99
	expect_match "$err" 'there is no session 99; see oxprofctl history'
}

# Whoever goes away, or asks for nonsense, leaves no thread behind.
case_export_is_left() {
	local i
	spawn root /opt/oxtest/spin
	profile "$pid" 300
	for ((i = 0; i < 20; i++)); do
		busctl call "${manager[@]}" Export 'a{sv}' 1 dimensions as 2 stack task >/dev/null
	done
	expect_refused 1 busctl call "${manager[@]}" Export 'a{sv}' 1 step t 5
	expect_refused 1 busctl call "${manager[@]}" Export 'a{sv}' 1 filter s '('
	wait_until no_export_runs
	is_state paused
}
