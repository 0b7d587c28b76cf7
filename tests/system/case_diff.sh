# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# Two windows compared, and the call tree.

# A session of `rounds` in which it uses so many milliseconds, with as much in much() and some() as said.
profile_rounds() {
	spawn_waiting root /opt/oxtest/rounds 3600 "$2" "$3"
	spawn_go
	oxprofctl unpause --pid="$pid" --frequency="${4-399}"
	spend "$1" "$pid"
	oxprofctl pause
	kill "$pid"
}

# The verdict on a function, of $out.
verdict() {
	json "[r['verdict'] for r in d['records'] if r['function'] == '$1'][0]"
}

# How many of 20 seeds have that many or more functions that differ.
count_differing() {
	local first=$1 second=$2 seed n=0
	for seed in {0..19}; do
		expect_ok oxprofctl diff --json --max=0 --base="session:$((3 * seed + first))" \
			--with="session:$((3 * seed + second))"
		expect_json 'd["test"]["tested"] >= 30 and d["test"]["slots"] == 12'
		[ "$(json "$3")" = 0 ] || n=$((n + 1))
	done
	echo "$n"
}

# Of a load that is known: how often chance is taken for a difference, and a difference found.
case_diff() {
	local n
	systemctl stop oxprofd
	python3 /opt/oxtest/same_load.py "$database"
	daemon_start
	n=$(count_differing 1 2 'd["test"]["differ"]')
	echo "$n of 20 of the same load"
	[ "$n" -le 1 ]
	n=$(count_differing 2 3 'sum(r["function"] == "some" and r["verdict"] == "more"
		and abs(r["base_total_rate"] - 0.1) < 0.02 and abs(r["with_total_rate"] - 0.15) < 0.02
		for r in d["records"])')
	echo "$n of 20 that changed"
	[ "$n" -ge 19 ]
	expect_ok oxprofctl diff --base=session:2 --with=session:3
	echo "$out"
	expect_match "$out" 'BASE +WITH +CHANGE +CHANGE% +SELF +P +VERDICT +KIND +NAME'
	expect_match "$out" '\+[3-7]\.[0-9]+ +\+[3-9][0-9] +\+[3-7]\.[0-9]+ +[<.0-9]+ +more +native +some\(made\)'
	# By time: sessions begin 100 s apart, from 2025-10-09 08:53:20 UTC on.
	expect_ok oxprofctl diff --json --base='@1760000100..@1760000170' --with='@1760000200..@1760000270' \
		--filter='^some\('
	expect_equal "$(verdict some)" more
	expect_json 'len(d["records"]) == 1 and d["test"]["tested"] == 1'
	# With itself there is no difference, and that it is itself is said.
	expect_ok oxprofctl diff --base=session:1 --with=session:1
	expect_match "$out" '(^|[^0-9])0 of [0-9]+ tested functions differ\.'
	expect_match "$out" 'The windows overlap'
	# As a flame graph, into a file.
	expect_ok oxprofctl diff --base=session:2 --with=session:3 -o /tmp/diff.html
	expect_equal "$out" ''
	grep -q 'some(made)' /tmp/diff.html
	expect_fail 1 oxprofctl diff --base="..2001-01-01" --with=session:1
	expect_match "$err" 'diff: --base: there are no samples from the beginning to 2001-01-01'
	expect_fail 1 oxprofctl diff --base=session:1 --with="2001-01-01..2001-01-02"
	expect_fail 2 oxprofctl diff --base=session:1
}

# Of programs that run, at different intervals.
case_diff_live() {
	profile_rounds 600 12 10
	profile_rounds 600 12 10 199
	expect_ok oxprofctl diff --json --base=session:1 --with=session:2
	json 'd["records"][:3]'
	expect_match "$(oxprofctl diff --base=session:1 --with=session:2)" \
		'The intervals differ \(2\.506ms and 5\.025ms\)'
	expect_json 'd["base"]["mean_interval_ns"] == 2506266 and d["with"]["mean_interval_ns"] == 5025126'
	# CPU time, not hits: twice the interval is not half the rate.
	expect_json 'all(abs(r["base_total_rate"] - r["base_total"] * 2506266e-15 / d["base"]["observed_usec"] * 1e12)
		< 1e-3 for r in d["records"])'
}

# So short that nothing is known of how it varies.
case_diff_short() {
	profile_rounds 600 12 10
	profile_rounds 600 10 12
	expect_ok oxprofctl diff --json --base=session:1 --with=session:2
	expect_json 'd["test"]["slots"] == 0 and d["test"]["differ"] is None
		and all(r["verdict"] is None for r in d["records"])'
	expect_ok oxprofctl diff --base=session:1 --with=session:2
	expect_match "$out" 'No verdict'
}

case_tree() {
	local hits
	profile_rounds 1000 30 10 999
	query --pid="$pid"
	hits=$(json '{r["name"]: r["total"] for r in d["records"]}')
	expect_ok oxprofctl tree --threshold=0 --json
	# Each function of the program is in one place of it.
	expect_json "all(n['total'] == ($hits)[n['name']] for n in d['tree']['nodes']
		if n['function'] in ('main', 'work', 'much', 'some'))"
	expect_json 'sum(n["self"] for n in d["tree"]["nodes"]) <= d["samples"]
		and d["tree"]["left_out"] == 0 and d["callers"] is None'
	json '[(n["depth"], n["name"], n["total"]) for n in d["tree"]["nodes"]][:8]'
	expect_ok env LC_ALL=C oxprofctl tree
	echo "$out"
	expect_match "$out" 'TOTAL% +SELF% +HITS +NAME'
	expect_match "$out" '[0-9.]+ +[0-9.]+ +[0-9]+ [ |`-]*much\(rounds\)'
	expect_match "$out" '[0-9]+ samples; '
	expect_ok env LC_ALL=C.UTF-8 oxprofctl tree
	expect_match "$out" '├─much\(rounds\)'
	expect_ok oxprofctl tree --focus='^work\(' --json
	expect_json "d['tree'] is None and d['focus'] == '^work\\('
		and d['callers']['nodes'][0]['total'] == d['callees']['nodes'][0]['total']
		== ($hits)['work(rounds)']
		and d['callers']['nodes'][1]['function'] == 'main'
		and d['callees']['nodes'][1]['function'] == 'much'
		and d['callers']['nodes'][0]['self'] is None"
	expect_ok oxprofctl tree --focus='^work\('
	echo "$out"
	expect_match "$out" 'Callers, upwards:'
	expect_ok oxprofctl tree --focus=nosuchfunction
	expect_match "$out" '-- No entries --'
	expect_fail 1 oxprofctl tree --focus='('
}
