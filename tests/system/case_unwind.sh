# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# User stacks are whole, and as deep as they are, at 999 Hz: 99.9 % of all, and no program by itself far
# below that. What counts is the time after the tables are there.

# By name: the pid of each program. All of them are in one session, which begins when code is compiled and
# tables are there.
declare -A whole=()

whole_spawn() {
	local name=$1
	shift
	spawn root "$@" >/dev/null
	whole[$name]=$pid
}

whole_start() {
	whole_spawn omit /opt/oxtest/omit
	whole_spawn static_pie /opt/oxtest/omit-static
	whole_spawn throws /opt/oxtest/throws
	whole_spawn python /usr/bin/python3 /opt/oxtest/work.py
	whole_spawn generated /opt/oxtest/jitcode none
	if present node; then
		whole_spawn node node --perf-basic-prof /opt/oxtest/jit.js
		whole_spawn node_plain node /opt/oxtest/jit.js
	fi
	! present /opt/oxtest/rusty || whole_spawn rust /opt/oxtest/rusty
	! present java /opt/oxtest/Deep.class ||
		whole_spawn java java -XX:+PreserveFramePointer -XX:CompileCommand=quiet \
			'-XX:CompileCommand=dontinline,Deep.*' -cp /opt/oxtest Deep
}

# What each of them has to show, besides being whole; its stacks are in $out.
whole_omit() {
	expect_depth 'leaf\(' 'recurse\(' 61
	# All that the leaf does has been seen: no frame, a call back from libc, system calls.
	expect_json 'all(any(re.search(what, r["name"]) for r in d["records"]) for what in
		(r"leaf\(omit\);frameless\(omit\)$", r"sort_numbers\(omit\);.*libc.*;compare\(omit\)$",
		r"call_system\(omit\);.*libc"))'
}

whole_static_pie() {
	expect_depth 'leaf\(' 'recurse\(' 61
}

whole_throws() {
	expect_depth 'work::thrower' 'work::descend' 20
	# Through the frame of the signal to what it struck, in both threads.
	expect_json 'any(re.search(r"main\(throws\);.*work::spin.*;work::handler", r["name"])
		for r in d["records"])'
	expect_json 'any(re.search(r"work::spin.*;work::handler", r["name"])
		and "main(throws)" not in r["name"] for r in d["records"])'
	expect_json 'any(re.search(r"work::sort_some.*lambda", r["name"])
		for r in d["records"])'
}

whole_python() {
	expect_depth 'crc32' 'descend\(__main__\)' 25
}

whole_node() {
	expect_depth 'JS:\S?bottom' 'JS:\S?descend' 40 0.95
	rm "/tmp/perf-${whole[node]}.map"
}

# Without names, but whole all the same.
whole_node_plain() {
	expect_json 'not any("JS:" in r["name"] for r in d["records"])'
}

whole_rust() {
	expect_depth 'rusty::bottom' 'rusty::descend' 30
}

whole_java() {
	[ ! -e "/tmp/perf-${whole[java]}.map" ] ||
		expect_depth '.*Deep\.bottom' '.*Deep\.descend' 30 0.95
	rm -f "/tmp/perf-${whole[java]}.map"
}

# Also what is called from code that has no table: frame pointers lead through it.
whole_generated() {
	# main() called it, and libc called main().
	expect_json 'sum(r["self"] for r in d["records"] if re.search(r"main\(jitcode\);", r["name"]))
		>= 0.99 * d["samples"]'
}

case_unwind_whole() {
	local name root=0 all=0
	whole_start
	spend 1000 "${whole[@]}"
	[ -z "${whole[java]:-}" ] || ! command -v jcmd >/dev/null ||
		jcmd "${whole[java]}" Compiler.perfmap
	# The first session is that in which tables are made.
	oxprofctl unpause "${whole[@]/#/--pid=}" --frequency=999
	spend 1500 "${whole[@]}"
	wait_tables "${whole[@]}"
	oxprofctl pause
	oxprofctl unpause
	spend 1300 "${whole[@]}"
	oxprofctl pause
	session=$(sql 'SELECT max(id) FROM sessions')
	for name in "${!whole[@]}"; do
		echo "$name"
		query --by=stack --session="$session" --pid="${whole[$name]}"
		expect_whole 300 0.997
		root=$((root + $(json 'd["stacks"]["root"]')))
		all=$((all + $(json 'sum(d["stacks"].values())')))
		"whole_$name"
	done
	echo "$root of $all"
	# A thousandth of all, as far as chance goes.
	python3 -c "few = $all / 1000; raise SystemExit($all - $root > few + 3 * few ** 0.5)"
}

# Through a leaf that is not the deepest function: what was cut is said, and how much.
case_unwind_cut() {
	spawn root /opt/oxtest/omit 0 300
	profile_warm "$pid" 1000
	query --by=stack --session="$session" --pid="$pid"
	# As a stack is built up it is shallow, and whole, for a moment: some per cent on a busy machine.
	expect_json 'd["stacks"]["cut"] >= 0.9 * sum(d["stacks"].values()) > 100'
	expect_json 'all(r["name"].startswith("[cut];") == (r["name"].count(";") >= 256)
		for r in d["records"])'
	expect_json 'all(r["name"].startswith("[cut];") for r in d["records"]
		if "frameless(" in r["name"])'
}

case_unwind_status() {
	spawn root /opt/oxtest/omit
	local omit=$pid
	spawn_waiting root /opt/oxtest/shares 60
	oxprofctl unpause --pid="$omit" --pid="$pid" --frequency=999
	wait_tables "$omit"
	spend 200 "$omit"
	expect_ok oxprofctl status --json
	expect_json 'set(d["stacks"]) == {"root", "cut", "no-table", "broken", "unreadable", "no-rule",
		"python-broken"}'
	expect_json "[(t['samples'] > 100, t['stacks']['root'] > 100) for t in d['targets']
		if t['target'] == 'pid:$omit'] == [(True, True)]"
	# This one waits for a line: it has used no time.
	expect_json "[t['samples'] < 10 for t in d['targets'] if t['target'] == 'pid:$pid'] == [True]"
	expect_json 'sum(t["samples"] for t in d["targets"]) == d["samples"]'
	expect_json 'd["unwind_tables"] >= 2
		and 100000 < d["unwind_bytes"] <= d["unwind_budget_bytes"]'
	expect_ok oxprofctl status
	oxprofctl pause
	query --pid="$omit"
	expect_json 'sum(d["stacks"].values()) > 100 and d["stacks"]["root"] > 100'
}

# Programs that end after three samples or so: their tables are there before the first one, mostly.
case_unwind_short_lived() {
	# shellcheck disable=SC2016
	spawn_waiting root sh -c 'read -r go; for i in $(seq 150); do /opt/oxtest/omit 0.03; done >/dev/null'
	oxprofctl unpause --pid="$pid" --children --frequency=99
	spawn_go
	wait "$pid"
	exec {spawn_fd}>&-
	oxprofctl pause
	query --filter='\(omit\)$'
	json '(d["samples"], d["stacks"], d["lost"])'
	expect_json 'd["stacks"]["root"] > 0.75 * d["samples"] > 200'
}

# Behind the outermost frame there is nothing to be read.
case_unwind_edge() {
	spawn root /opt/oxtest/edge
	profile_warm "$pid" 1000
	query --by=stack --session="$session" --pid="$pid"
	expect_whole 300
	expect_depth '(leaf|middle|outer)\(' 'outer\(edge\)' 1
	expect_json "sum(r['self'] for r in d['records']
		if r['name'].endswith('outer(edge);middle(edge);leaf(edge)')) > 0.9 * d['samples']"
}

# How many there are, and none is being made.
unwind_tables() {
	expect_ok oxprofctl status --json && expect_json 'd["unwind_waiting"] == 0' && json 'd["unwind_tables"]'
}

# A program's table is there once, however many run it.
case_unwind_shared_tables() {
	local i one pids=()
	spawn root /opt/oxtest/omit
	oxprofctl unpause --comm=omit --frequency=999
	wait_tables comm:omit
	wait_until unwind_tables
	one=$(unwind_tables)
	[ "$one" -gt 0 ]
	for ((i = 0; i < 49; i++)); do
		spawn root /opt/oxtest/omit
		pids+=("$pid")
	done
	spend 50 "${pids[@]}"
	wait_until unwind_tables
	expect_equal "$(unwind_tables)" "$one"
	query --by=process
	expect_json 'len(d["records"]) == 50'
	oxprofctl pause
}

tables_are_too_many() {
	expect_ok oxprofctl status --json &&
		expect_json 'd["unwind_evicted"] + d["unwind_refused"] > 0'
}

# With little memory for tables: none is too much, what has no room says so, and all goes on.
case_unwind_small_budget() {
	need node
	mkdir -p /etc/oxprof/oxprofd.conf.d
	printf '[Sampling]\nUnwindMemory=1M\n' >/etc/oxprof/oxprofd.conf.d/oxtest.conf
	systemctl restart oxprofd
	spawn root node /opt/oxtest/jit.js >/dev/null
	local node=$pid
	spawn root /opt/oxtest/throws
	local throws=$pid
	spawn root /usr/bin/python3 /opt/oxtest/work.py
	oxprofctl unpause --pid="$node" --pid="$throws" --pid="$pid" --frequency=999
	wait_until tables_are_too_many
	spend 1000 "$node" "$throws" "$pid"
	expect_ok oxprofctl status --json
	expect_json 'd["unwind_bytes"] <= d["unwind_budget_bytes"] == 1 << 20'
	oxprofctl pause
	query
	expect_json 'd["samples"] > 500 and sum(d["stacks"].values()) > 500'
}

# Two libraries at one address, in turn: each has its own table and its own names.
case_unwind_reload() {
	local period part first second
	for period in 300 50; do
		daemon_reset
		spawn_waiting root /opt/oxtest/reload /opt/oxtest/libfirst.so \
			/opt/oxtest/libsecond.so "$period" $((4500 / period)) >/tmp/reload.out
		oxprofctl unpause --pid="$pid" --frequency=999
		spawn_go
		wait "$pid"
		exec {spawn_fd}>&-
		oxprofctl pause
		first=$(sed -n 's/^first_usec //p' /tmp/reload.out)
		second=$(sed -n 's/^second_usec //p' /tmp/reload.out)
		query --by=stack --pid="$pid"
		json 'd["stacks"]'
		expect_json 'not any("(libfirst.so)" in r["name"] and "(libsecond.so)" in r["name"]
			for r in d["records"])'
		query --pid="$pid"
		for part in first second; do
			expect_json "abs(sum(r['self'] for r in d['records']
				if r['module'] == 'lib$part.so') / d['samples']
				- ${!part} / ($first + $second)) < 0.03"
			# Besides these there is what each library begins and ends with.
			expect_json "not any(re.match(r'work_in_(?!$part)|\\+0x', r['function'])
				for r in d['records'] if r['module'] == 'lib$part.so')"
		done
	done
}
