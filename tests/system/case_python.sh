# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# Python frames: the right ones, with the right names and lines, of every interpreter that is here.
# With FULL=1 in the environment of tests/system/run: as many samples as the promise is of.

python_debian=/usr/bin/python3
python_versions=${PYENV_ROOT:-$HOME/.pyenv}/versions

# By a short name: the interpreters, and what runs of them.
declare -A pythons=() python_pid=() python_truth=()

# Those that are here, "debian" and by their version numbers; all, or those like the pattern.
python_find() {
	local path
	pythons=([debian]=$python_debian)
	present "$python_versions" || true
	for path in "$python_versions"/3.*/bin/python3; do
		[ ! -x "$path" ] || pythons[$(basename "${path%/bin/python3}")]=$path
	done
	for path in "${!pythons[@]}"; do
		[[ $path =~ ^(${1:-.*})$ ]] || unset "pythons[$path]"
	done
}

# What is for every day, or for the full run.
python_seconds() {
	[ -z "${FULL:-}" ] && echo "$1" || echo "$2"
}

# A workload that tells the truth of itself, on each of them, until the case ends; waits for all. More
# arguments are what comes before the interpreter, with NAME for its name.
python_start() {
	local workload=$1 name
	shift
	for name in "${!pythons[@]}"; do
		python_truth[$name]=/tmp/$workload.$name.json
		spawn root env "${@//NAME/$name}" "${pythons[$name]}" "/opt/oxtest/$workload.py" \
			3600 "${python_truth[$name]}" >"/tmp/$workload.$name.out"
		python_pid[$name]=$pid
	done
	for name in "${!pythons[@]}"; do
		wait_until grep -q ready "/tmp/$workload.$name.out"
	done
}

# Holds each of them against its truth; all are looked at before the case fails.
python_check() {
	local name status=0
	for name in "${!pythons[@]}"; do
		echo "== $name"
		$python_debian /opt/oxtest/check_legal.py "$@" "$database" "${python_pid[$name]}" \
			"${python_truth[$name]}" || status=1
	done
	return $status
}

# All of them at once at so many hertz, until each has used so many milliseconds of CPU time.
python_profile() {
	local hertz=$1 ms=$2
	oxprofctl unpause "${python_pid[@]/#/--pid=}" --frequency="$hertz"
	spend "$ms" "${python_pid[@]}"
	oxprofctl pause
}

# Of $out, an answer by stack: those like the pattern are more than SHARE of all samples.
expect_stacks() {
	expect_json "d['samples'] > 100 and sum(r['self'] for r in d['records']
		if re.search(r'''$1''', r['name'])) > $2 * d['samples']"
}

interpreter_is() {
	expect_ok oxprofctl status --json &&
		expect_json "[i['state'] in ('${2//|/\',\'}',) for i in d['interpreters']
			if i['pid'] == $1] == [True]"
}

# What status says of the interpreter in a process, once it has been looked at.
expect_interpreter() {
	wait_until interpreter_is "$1" "$2" || fail "$out"
	json "[i for i in d['interpreters'] if i['pid'] == $1]"
}

# ---- every stack and every line ----

# Every day each of them has this or the race, but Debian's, which has both.
case_python_legal() {
	python_find "$(python_seconds 'debian|3\.(6|8|10|13)\..*' '.*')"
	python_start legal
	python_profile 499 "$(python_seconds 2000 45000)"
	python_check --min="$(python_seconds 200 20000)" --short
	python_see_lies
}

# That the check would say so: a line too far, and a caller that is another function. Of one of them.
python_see_lies() {
	local lie
	python_find debian
	for lie in 'UPDATE frame SET line = line + 100000' \
		'UPDATE function SET function = function || 0'; do
		rm -f /tmp/lies.db
		sqlite3 "$database" "VACUUM INTO '/tmp/lies.db'"
		sqlite3 /tmp/lies.db "$lie"
		if (database=/tmp/lies.db && python_check --min=1 >/tmp/lies.out); then
			fail "not seen: $lie"
		fi
		expect_not grep -q ' 0 illegal' /tmp/lies.out
	done
}

# A library that has lost its own symbols; one that only programs see is enough.
case_python_stripped() {
	local name library
	python_find "$(python_seconds '3\.(6|9|11|13)\..*' '[^d].*')"
	[ ${#pythons[@]} -gt 0 ] || exit 0
	for name in "${!pythons[@]}"; do
		library=$(ls "$python_versions/$name"/lib/libpython3.*.so.1.0) || {
			unset "pythons[$name]"
			continue
		}
		mkdir -p "/tmp/stripped/$name"
		objcopy --strip-all "$library" "/tmp/stripped/$name/${library##*/}"
	done
	python_start legal LD_LIBRARY_PATH=/tmp/stripped/NAME
	for name in "${!pythons[@]}"; do
		grep -q "/tmp/stripped/$name" "/proc/${python_pid[$name]}/maps"
	done
	python_profile 499 2000
	python_check --short
}

case_python_race() {
	python_find "$(python_seconds 'debian|3\.(7|9|11|12)\..*' '.*')"
	python_start race
	python_profile 4999 "$(python_seconds 1500 8000)"
	python_check --min=1000 --short
}

# Shares as they were spent, by the program's own clocks: within three binomial standard deviations.
python_ratio() {
	local name=$1 pid=$2 function share
	query --python-only --pid="$pid"
	json '[(r["name"], r["self"]) for r in d["records"][:5]]'
	for function in five three two; do
		share=$(sed -n "s/^$function //p" "/tmp/ratio.$name.out")
		expect_json "(lambda n, hits: n > 2000 and abs(hits - n * $share)
			<= 3 * math.sqrt(n * $share * (1 - $share)))(
			sum(r['self'] for r in d['records'] if r['function'] in ('five', 'three', 'two')),
			sum(r['self'] for r in d['records'] if r['function'] == '$function'))"
	done
}

case_python_ratio() {
	local name threads jobs=()
	python_find "$(python_seconds 'debian|3\.13.*' '.*')"
	for threads in 1 8; do
		jobs=()
		for name in "${!pythons[@]}"; do
			spawn_waiting root "${pythons[$name]}" /opt/oxtest/ratio.py 3 $threads \
				>"/tmp/ratio.$name.out"
			python_pid[$name]=$pid
			jobs+=("$spawn_fd")
		done
		oxprofctl unpause "${python_pid[@]/#/--pid=}" --frequency=999
		for spawn_fd in "${jobs[@]}"; do
			spawn_go
		done
		wait "${python_pid[@]}"
		oxprofctl pause
		for name in "${!pythons[@]}"; do
			echo "$name, $threads threads"
			python_ratio "$name" "${python_pid[$name]}"
		done
	done
}

# ---- how a process comes to have an interpreter ----

case_python_exec() {
	spawn_waiting root sh -c 'read -r go; exec /usr/bin/python3 /opt/oxtest/work.py'
	oxprofctl unpause --pid="$pid" --frequency=999
	spawn_go
	wait_program "$pid" python3
	spend 2500 "$pid"
	oxprofctl pause
	query --by=stack --pid="$pid"
	expect_stacks '<module>\(__main__\);.*(descend|use_json|sort_words)\(__main__\)' 0.8
}

# Sampled from its first moment on.
case_python_late_start() {
	oxprofctl unpause --comm=python3 --frequency=999
	spawn root $python_debian /opt/oxtest/work.py
	spend 2500 "$pid"
	expect_interpreter "$pid" read
	oxprofctl pause
	query --by=stack --pid="$pid"
	expect_stacks '<module>\(__main__\);.*(descend|use_json|sort_words)\(__main__\)' 0.8
	# What it imported first; that module has another name once "importlib" is there.
	expect_json 'any(re.search(r"\((_frozen_importlib|importlib\._bootstrap)\)", r["name"])
		for r in d["records"])'
}

case_python_fork() {
	local n children
	spawn_waiting root $python_debian /opt/oxtest/forks.py >/tmp/forks.out
	oxprofctl unpause --pid="$pid" --children --frequency=999
	spawn_go
	wait_until grep -q ready /tmp/forks.out
	read -ra children <"/proc/$pid/task/$pid/children" || true
	spend 600 "${children[@]}"
	oxprofctl pause
	for n in 0 1 2; do
		query --python-only --pid="${children[n]}"
		expect_json "any(r['name'] == 'forked_$n(forked)' and r['file'] == '/forked.py'
			and r['self'] > 0.6 * d['samples'] > 200 for r in d['records'])"
	done
}

# Each is gone before anything could be asked of it.
case_python_brief() {
	local at_once share
	for at_once in $(python_seconds 4 '1 4'); do
		daemon_reset
		spawn_waiting root $python_debian /opt/oxtest/brief.py $at_once >/tmp/brief.out
		oxprofctl unpause --pid="$pid" --children --frequency=999
		spawn_go
		wait "$pid"
		exec {spawn_fd}>&-
		oxprofctl pause
		query --python-only
		json '[n for n in range(100)
			if "brief_%03d(brief)" % n not in {r["name"] for r in d["records"]}]'
		sql "SELECT reason, sum(count) FROM losses GROUP BY reason"
		expect_json 'len([r for r in d["records"] if re.fullmatch("brief_[0-9]{3}", r["function"])
			and r["module"] == "brief" and r["file"] == "/brief/%s.py" % r["function"][6:]
			and r["self"]]) == 100'
		# And with nearly all of their time, the interpreter's start apart.
		share=$(sed -n 's/^share //p' /tmp/brief.out)
		json "$share, sum(r['self'] for r in d['records'] if r['module'] == 'brief') / d['samples'] / $share"
		expect_json "sum(r['self'] for r in d['records'] if r['module'] == 'brief')
			> 0.9 * $share * d['samples']"
	done
}

case_python_embedded() {
	local name
	need /opt/oxtest/embed
	for name in $(python_seconds 'embed-late embed-static' \
		'embed embed-late embed-static embed-stripped'); do
		echo "$name"
		present "/opt/oxtest/$name" || continue
		daemon_reset
		spawn_waiting root "/opt/oxtest/$name" "lib$(readlink $python_debian).so.1.0"
		oxprofctl unpause --pid="$pid" --frequency=999
		# One of them is no more than C code at first.
		spend 300 "$pid"
		spawn_go
		expect_interpreter "$pid" read
		spend 2500 "$pid"
		oxprofctl pause
		query --by=stack --pid="$pid"
		# The threads share the lock as it comes.
		expect_stacks '<module>\(__main__\);embedded_work\(__main__\)' 0.03
		expect_stacks '<module>\(__main__\);embedded_thread\(__main__\)' 0.15
		[ "$name" != embed-stripped ] || continue
		# Between C code that is no part of the interpreter and what that calls.
		expect_stacks "main\\($name\\);call_python\\($name\\);.*embedded_work\\(__main__\\)" 0.03
		expect_stacks "thread_main\\($name\\);call_python\\($name\\);.*;embedded_thread\\(__main__\\)" 0.15
		expect_json "any(re.search(r'main\\($name\\);own_work\\($name\\)\$', r['name'])
			for r in d['records'])"
	done
}

# What a program with an interpreter inside looks like when no symbol of it is left.
case_python_without_symbols() {
	need /opt/oxtest/embed-bare
	spawn root /opt/oxtest/embed-bare
	oxprofctl unpause --pid="$pid" --frequency=999
	expect_interpreter "$pid" 'stripped|read'
	spend 1500 "$pid"
	oxprofctl pause
	query --by=stack --pid="$pid"
	expect_stacks '\(?embed-bare' 0.9
}

# Each thread in the interpreter that it is in.
case_python_subinterpreters() {
	local name
	python_find "$(python_seconds '3\.(8|10|12|13)\..*|debian' '3\.([89]|1[0-9])\..*|debian')"
	for name in "${!pythons[@]}"; do
		spawn root "${pythons[$name]}" /opt/oxtest/sub.py >"/tmp/sub.$name.out"
		python_pid[$name]=$pid
	done
	# Until each is through with its imports.
	for name in "${!pythons[@]}"; do
		wait_until sh -c "[ \$(grep -c begun '/tmp/sub.$name.out') = 2 ]"
	done
	oxprofctl unpause "${python_pid[@]/#/--pid=}" --frequency=999
	spend 2000 "${python_pid[@]}"
	oxprofctl pause
	for name in "${!pythons[@]}"; do
		echo "$name"
		query --by=stack --pid="${python_pid[$name]}"
		json '[(r["name"], r["self"]) for r in d["records"]
			if not re.search(r"in_(main|sub_1|sub_2)\(__main__\)", r["name"])][:4]'
		expect_stacks 'in_main\(__main__\)' 0.15
		expect_stacks 'in_sub_1\(__main__\)' 0.15
		expect_stacks 'in_sub_2\(__main__\)' 0.15
		expect_stacks 'in_(main|sub_1|sub_2)\(__main__\)' 0.98
		expect_json 'not any(len(set(re.findall("in_(main|sub_1|sub_2)", r["name"]))) > 1
			for r in d["records"])'
	done
}

# ---- what is not read says so ----

case_python_unknown_version() {
	python_find '3\.1[12].*'
	[ ${#pythons[@]} -gt 0 ] || exit 0
	local name=${!pythons[*]} library
	name=${name%% *}
	library=$(ls "$python_versions/$name"/lib/libpython3.*.so.1.0)
	mkdir -p /tmp/other
	$python_debian /opt/oxtest/other_version.py "$library" "/tmp/other/${library##*/}"
	spawn root env LD_LIBRARY_PATH=/tmp/other "${pythons[$name]}" /opt/oxtest/work.py
	oxprofctl unpause --pid="$pid" --frequency=999
	expect_interpreter "$pid" unknown-version
	spend 1500 "$pid"
	expect_ok oxprofctl status --json
	expect_json "any(i['pid'] == $pid and '3.99' in i['name'] + i['note']
		for i in d['interpreters'])"
	expect_ok oxprofctl status
	expect_match "$out" "$pid.*3\\.99"
	oxprofctl pause
	query --by=stack --pid="$pid"
	expect_stacks '_PyEval_EvalFrameDefault\(' 0.9
	expect_json 'not any("(__main__)" in r["name"] for r in d["records"])'
}

case_python_pypy() {
	need pypy3
	spawn root pypy3 /opt/oxtest/ratio.py 20 < <(echo)
	oxprofctl unpause --pid="$pid" --frequency=999
	expect_interpreter "$pid" pypy
	spend 500 "$pid"
	oxprofctl pause
	query --by=stack --pid="$pid"
	expect_json 'd["samples"] > 100 and any(";" in r["name"] for r in d["records"])'
}
