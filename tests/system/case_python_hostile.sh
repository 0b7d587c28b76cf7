# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# Interpreters that lie cost their own frames only. With case_python.sh.

daemon_memory_kb() {
	awk '/^Pss:/ { print $2 }' "/proc/$(daemon_pid)/smaps_rollup"
}

# After what has just been sampled: nothing became of the daemon or of the others.
expect_unharmed() {
	local before=$1 memory=$2 began=$3
	expect_equal "$(daemon_pid)" "$before"
	[ "$(daemon_memory_kb)" -lt $((memory + 65536)) ] || fail "memory: $(daemon_memory_kb) kB"
	journalctl --no-pager -q -o cat --since="@$began" _SYSTEMD_UNIT=oxprofd.service \
		>/tmp/hostile.journal
	cat /tmp/hostile.journal
	[ "$(wc -l </tmp/hostile.journal)" -le 8 ]
	expect_equal "$(sql "SELECT count(*) FROM function WHERE length(function) > 1100
		OR length(file) > 4200 OR function GLOB '*[' || char(1) || '-' || char(31) || ']*'")" 0
	python_check --min=100 --short
}

# Samples `all` and the one that tells the truth, beside them: a session that begins once those of `sane`
# are known for what they are.
hostile_profile() {
	oxprofctl unpause "${all[@]/#/--pid=}" --pid="${python_pid[debian]}" --frequency=999
	for pid in "${sane[@]}"; do
		expect_interpreter "$pid" read
	done
	wait_tables "${sane[@]}"
	oxprofctl pause
	oxprofctl unpause
	spend "$(python_seconds 150 1000)" "${all[@]}" "${python_pid[debian]}"
	expect_ok oxprofctl status --json
	json '"\n".join(str((i["pid"], i["name"], i["state"])) for i in d["interpreters"])'
	oxprofctl pause
	session=$(sql 'SELECT max(id) FROM sessions')
}

# Each of these processes has its samples.
expect_sampled() {
	query --by=process
	expect_json "not {$(IFS=,; echo "$*")} - {r['pid'] for r in d['records'] if r['self'] > 50}"
}

# What has no version, and what has one that is a lie in each of its structures.
case_python_hostile_library() {
	local minor variant began=$EPOCHSECONDS before memory all=() sane=()
	before=$(daemon_pid)
	python_find debian
	python_start legal
	# The daemon, with all that one session makes it keep.
	python_profile 999 500
	memory=$(daemon_memory_kb)
	for minor in 8 11 13; do
		for variant in 0 1 2 3 4 5 6 7 8 9 10 11; do
			spawn root "/opt/oxtest/hostile-3.$minor/hostile" $variant >/dev/null
			all+=("$pid")
			[ $variant != 0 ] || sane+=("$pid")
		done
	done
	hostile_profile
	expect_unharmed "$before" "$memory" "$began"
	# They have been taken for interpreters: else all this says nothing.
	for pid in "${sane[@]}"; do
		query --by=stack --session="$session" --pid="$pid"
		json '[(r["name"], r["self"]) for r in d["records"]][:3]'
		expect_stacks 'fake_caller\([^;]*\);fake_function\(' 0.9
	done
	# And all have been sampled, their native frames read.
	expect_sampled "${all[@]}"
	query --by=stack --native-only --session="$session"
	expect_json "(lambda n: sum(n(r) for r in d['records'] if ';hostile_run(' in r['name'])
		> 0.9 * sum(n(r) for r in d['records'] if '(hostile)' in r['name']) > 0)(
		lambda r: r['self'])"
}

case_python_hostile_self() {
	local way began=$EPOCHSECONDS before memory name all=() sane=()
	local ways=(none name file lines type back lost thread globals)
	before=$(daemon_pid)
	python_find debian
	python_start legal
	python_profile 999 500
	memory=$(daemon_memory_kb)
	python_find "$(python_seconds 'debian|3\.(8|12)\..*' '.*')"
	for name in "${!pythons[@]}"; do
		for way in "${ways[@]}"; do
			spawn root "${pythons[$name]}" /opt/oxtest/hostile_self.py $way \
				>"/tmp/hostile.$name.$way"
			all+=("$pid")
			[ $way != none ] || sane+=("$pid")
		done
	done
	for name in "${!pythons[@]}"; do
		for way in "${ways[@]}"; do
			wait_until grep -q ready "/tmp/hostile.$name.$way"
		done
	done
	hostile_profile
	python_find debian
	expect_unharmed "$before" "$memory" "$began"
	for pid in "${sane[@]}"; do
		query --by=stack --session="$session" --pid="$pid"
		expect_stacks '<module>\(__main__\);outer\(__main__\);work\(__main__\)' 0.9
	done
	expect_sampled "${all[@]}"
}
