# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# Whether the numbers are true.

# Shares within three binomial standard deviations. Samples, with those that are known to be missing,
# within 0.5 % of CPU time / interval, and chance: whenever the program gets a CPU the next tick may be
# anywhere in the interval, which has a variance of a quarter of a sample at most. Time that was stolen
# may count: the clock of the program has none of it, but ticks go on. With a real-time priority it has its
# CPU whatever else runs: each switch has some microseconds whose tick is another's than their time.
case_shares() {
	local cpu_usec switches steal
	spawn_waiting root chrt --fifo 1 /opt/oxtest/shares 10 >/tmp/shares.out
	wait_program "$pid" shares
	oxprofctl unpause --pid="$pid" --frequency=999
	steal=$(steal_usec)
	spawn_go
	wait "$pid"
	oxprofctl pause
	steal=$(($(steal_usec) - steal))
	cpu_usec=$(sed -n 's/^cpu_usec //p' /tmp/shares.out)
	switches=$(sed -n 's/^switches //p' /tmp/shares.out)
	query
	echo "$cpu_usec us of CPU time, $switches switches, $steal us stolen"
	json '{k: d[k] for k in ("samples", "distinct", "lost")},
		[(r["name"], r["self"]) for r in d["records"][:5]]'
	expect_json "(lambda counted, wanted, stolen, room: wanted - room <= counted <= wanted + stolen + room)(
		d['samples'] + sum(d['lost'].get(k, 0) for k in ('late', 'arena-full', 'index-crowded',
			'not-permitted', 'store')),
		$cpu_usec * 1e3 / d['interval_ns'], $steal * 1e3 / d['interval_ns'],
		0.005 * $cpu_usec * 1e3 / d['interval_ns'] + 3 * math.sqrt($switches / 4))"
	local function share
	for function in five=0.5 three=0.3 two=0.2; do
		share=${function#*=}
		function=${function%=*}
		expect_json "abs(sum(r['self'] for r in d['records'] if r['function'] == '$function')
			- d['samples'] * $share)
			<= 3 * math.sqrt(d['samples'] * $share * (1 - $share))"
	done
}

case_only_the_chosen() {
	local spin
	spawn root /opt/oxtest/spin
	spin=$pid
	spawn_waiting root /opt/oxtest/shares 30
	spawn_go
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 500 "$pid" "$spin"
	oxprofctl pause
	query
	expect_json 'd["samples"] > 50 and any(r["function"] == "five" for r in d["records"])'
	expect_json 'not any(r["function"] in ("leaf_spin", "outer_spin") for r in d["records"])'
	query --by=process
	expect_json "[r['pid'] for r in d['records']] == [$pid]"
}

case_all_with_kernel() {
	local spin
	spawn root /opt/oxtest/spin
	spin=$pid
	spawn_waiting root /opt/oxtest/shares 30
	spawn_go
	oxprofctl unpause --all --frequency=999
	spend 500 "$pid" "$spin"
	oxprofctl pause
	query
	expect_json '{"five", "leaf_spin"} <= {r["function"] for r in d["records"]}'
	expect_json 'any(r["kind"] == "kernel" and r["function"] for r in d["records"])'
	query --by=stack
	expect_json 'any(re.search(r"outer_spin\(spin\);(leaf_read\(spin\);)?read\(libc", r["name"])
		for r in d["records"])'
}

case_children() {
	spawn_waiting root /opt/oxtest/children
	oxprofctl unpause --pid="$pid" --children --frequency=999
	spawn_go
	wait "$pid"
	oxprofctl pause
	query --by=process
	expect_json 'len({m[0] for r in d["records"]
		if (m := re.search(r"child_\d{3}", r["name"]))}) == 200'
	expect_equal "$(sql "SELECT count(DISTINCT comm) FROM processes WHERE comm GLOB 'child_*'")" 200
	query
	expect_json 'sum(r["self"] for r in d["records"] if r["function"] == "child_work")
		> 0.5 * d["samples"]'
}

# What was seen of it stays, by name.
case_exited_target() {
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 500 "$pid"
	kill -9 "$pid"
	wait "$pid" || true
	wait_until sh -c 'oxprofctl status --json | grep -q exited'
	query
	expect_json 'd["samples"] > 50 and any(r["function"] == "leaf_spin" for r in d["records"])'
}
