# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# Whether the numbers are true.

# Shares within three binomial standard deviations; samples within 1 % of CPU time / interval, and
# with those that are known to be missing no fewer than 99.5 %.
case_shares() {
	local cpu_usec
	spawn_waiting root /opt/oxtest/shares 10 >/tmp/shares.out
	oxprofctl unpause --pid="$pid" --frequency=999
	spawn_go
	wait "$pid"
	cpu_usec=$(sed -n 's/^cpu_usec //p' /tmp/shares.out)
	oxprofctl pause
	query
	json '{k: d[k] for k in ("samples", "distinct", "lost")},
		[(r["name"], r["self"]) for r in d["records"][:5]]'
	expect_json "abs(d['samples'] * d['interval_ns'] / 1e3 / $cpu_usec - 1) <= 0.01"
	expect_json "(d['samples'] + sum(d['lost'].get(k, 0) for k in ('late', 'arena-full',
		'index-crowded', 'not-permitted', 'store'))) * d['interval_ns'] / 1e3 / $cpu_usec
		>= 0.995"
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
	spawn root /opt/oxtest/spin
	spawn_waiting root /opt/oxtest/shares 30
	spawn_go
	oxprofctl unpause --pid="$pid" --frequency=999
	sleep 2
	oxprofctl pause
	query
	expect_json 'd["samples"] > 50 and any(r["function"] == "five" for r in d["records"])'
	expect_json 'not any(r["function"] in ("leaf_spin", "outer_spin") for r in d["records"])'
	query --by=process
	expect_json "[r['pid'] for r in d['records']] == [$pid]"
}

case_all_with_kernel() {
	spawn root /opt/oxtest/spin
	spawn_waiting root /opt/oxtest/shares 30
	spawn_go
	oxprofctl unpause --all --frequency=999
	sleep 2
	oxprofctl pause
	query
	expect_json '{"five", "leaf_spin"} <= {r["function"] for r in d["records"]}'
	expect_json 'any(r["kind"] == "kernel" and r["function"] for r in d["records"])'
	query --by=stack
	expect_json 'any("outer_spin(spin);read(libc" in r["name"]
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
	sleep 1
	kill -9 "$pid"
	wait "$pid" || true
	wait_until sh -c 'oxprofctl status --json | grep -q exited'
	query
	expect_json 'd["samples"] > 50 and any(r["function"] == "leaf_spin" for r in d["records"])'
}
