# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
#
# What the cases of the system suite stand on. A case is a function case_NAME that runs inside the
# throw-away machine under `set -e`, so that the first thing that is not as it should be ends it.
# Each begins with oxprofd started afresh: paused, with an empty database.

database=/var/lib/oxprof/oxprof.db
# How long anything that has to happen is waited for. Nothing takes so long that works: this ends a case
# that hangs, and says nothing of how soon it should have been.
WAIT_SECONDS=300
clock_hertz=$(getconf CLK_TCK)
# A case is in a control group of its own, so that what it started ends with it: children whose parent
# was killed would keep the CPUs busy until the machine stops.
case_cgroup=/sys/fs/cgroup/oxtest
log=$(mktemp)
n_cases=0 n_failed=0
out=""
err=""
pid=""

# ---- the runner ----

suite_run() {
	local pattern=$1 case began status
	mkdir -p "$case_cgroup"
	for case in $(compgen -A function case_ | grep -E -- "$pattern"); do
		n_cases=$((n_cases + 1))
		began=$EPOCHSECONDS
		# In a subshell, and not in a condition: there `set -e` would not hold.
		(echo "$BASHPID" >"$case_cgroup/cgroup.procs" && run_case "$case") >"$log" 2>&1 </dev/null
		status=$?
		echo 1 >"$case_cgroup/cgroup.kill"
		if [ "$status" = 0 ]; then
			echo "ok $n_cases - ${case#case_} ($((EPOCHSECONDS - began)) s)"
			sed -n 's/^SKIP: /# SKIP: /p' "$log"
		else
			n_failed=$((n_failed + 1))
			echo "not ok $n_cases - ${case#case_} ($((EPOCHSECONDS - began)) s)"
			sed 's/^/# /' "$log"
			journalctl --no-pager -q -o cat -n 20 --since="@$began" -u oxprofd | sed 's/^/# journal: /'
		fi
	done
	echo "1..$n_cases"
	echo "$((n_cases - n_failed)) passed, $n_failed failed"
	[ "$n_failed" = 0 ] && [ "$n_cases" -gt 0 ]
}

run_case() {
	set -eE
	trap explain_case ERR
	trap clean_case EXIT
	daemon_reset
	"$1"
}

# Where in the case it went wrong.
explain_case() {
	local i
	for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
		if [[ ${BASH_SOURCE[i]##*/} == case_* ]]; then
			echo "${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]}" >&2
			break
		fi
	done
	trap - ERR
}

clean_case() {
	local job
	set +e
	for job in $(jobs -p); do
		kill -9 "$job" 2>/dev/null
	done
	tmux -L oxtest kill-server 2>/dev/null # the terminals of case_top.sh, and the sessions there
	if mountpoint -q /run/oxtest-sys; then # of case_cpus.sh
		echo 1 >/run/oxtest-sys/devices/system/cpu/cpu1/online
		umount /run/oxtest-sys
	fi 2>/dev/null
	while umount /var/lib/oxprof 2>/dev/null; do :; done
	rm -rf /etc/systemd/system/oxprofd.service.d /run/systemd/system/oxtest-*.service \
		/run/systemd/system/oxprof-opener@.service.d \
		/etc/polkit-1/rules.d/*oxtest.rules /etc/oxprof/oxprofd.conf.d/oxtest.conf \
		/run/oxtest-loading /run/oxtest-refusing
}

fail() {
	echo "$*" >&2
	return 1
}

# Are all of these there: paths, or names of commands? Says what is not.
present() {
	local thing
	for thing; do
		if [ ! -e "$thing" ] && ! command -v "$thing" >/dev/null; then
			echo "SKIP: $thing is not here"
			return 1
		fi
	done
}

# Skips the case unless all of these are there.
need() {
	present "$@" || exit 0
}

# ---- the daemon ----

daemon_reset() {
	systemctl stop 'oxtest-*' oxprofd
	systemctl daemon-reload
	find /var/lib/oxprof -mindepth 1 -delete
	daemon_start
}

# Starts it again and again in one test run, which systemd takes for a fault unless told otherwise.
daemon_start() {
	systemctl reset-failed oxprofd 2>/dev/null || true
	systemctl start oxprofd
}

daemon_pid() {
	systemctl show -P MainPID oxprofd
}

# A drop-in for the unit, lines as arguments; takes effect with the next start.
daemon_drop_in() {
	mkdir -p /etc/systemd/system/oxprofd.service.d
	printf '%s\n' '[Service]' "$@" >/etc/systemd/system/oxprofd.service.d/oxtest.conf
	systemctl daemon-reload
}

# What a request that is refused must not change. The samples of a session that runs do change.
daemon_state() {
	local name
	for name in State Mode Interval Targets; do
		busctl --auto-start=no get-property org.oxprof1 /org/oxprof1 \
			org.oxprof1.Manager "$name" 2>&1 || true
	done
	[ ! -e "$database" ] ||
		sqlite3 -readonly "$database" 'SELECT id, started, targets FROM sessions' || true
}

# ---- programs to look at ----

# Runs a command in the background, as a user, and sets `pid` to its pid. It is killed when the case
# ends.
spawn() {
	local user=$1
	shift
	setpriv --reuid="$user" --regid="$user" --init-groups -- "$@" <&0 &
	pid=$!
	# Until it is that program and no longer setpriv.
	while [[ $(readlink "/proc/$pid/exe") =~ /(setpriv|bash)$ ]]; do
		sleep 0.01
	done
}

# The same for a program that waits for a line before it begins; spawn_go writes it.
spawn_waiting() {
	local fifo
	fifo=$(mktemp -u /tmp/fifo.XXXXXX)
	mkfifo "$fifo"
	spawn "$@" <>"$fifo"
	exec {spawn_fd}<>"$fifo"
	rm "$fifo"
}

spawn_go() {
	echo >&"$spawn_fd"
}

# Until the process is that program: some go through others first (unshare, a shell).
wait_program() {
	wait_until sh -c "[ \"\$(cat /proc/$1/comm)\" = $2 ]"
}

# The one child of a process, once it has that name; to be waited for.
child_named() {
	local child
	read -r child _ <"/proc/$1/task/$1/children" || true
	[ -n "$child" ] && [ "$(cat "/proc/$child/comm")" = "$2" ] && echo "$child"
}

as() {
	local user=$1
	shift
	setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"
}

# CPU time of a process so far, or of a thread (PID/task/TID), in milliseconds: into `cpu`.
cpu_read() {
	local stat
	read -r stat 2>/dev/null <"/proc/$1/stat" || return
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	cpu=$(((${12} + ${13}) * 1000 / clock_hertz))
}

cpu_ms() {
	local cpu
	cpu_read "$1"
	echo "$cpu"
}

# Time that the hypervisor took away from all CPUs so far, in microseconds.
steal_usec() {
	local fields
	read -ra fields </proc/stat
	echo $((fields[8] * 1000000 / clock_hertz))
}

# Or has ended.
has_spent() {
	local cpu
	! cpu_read "$1" || [ "$cpu" -ge "$2" ]
}

# Until each of these processes has used so many milliseconds of CPU time more: MS PID... Seconds say
# nothing of what a program has done: it need not have a CPU of its own.
spend() {
	local ms=$1 one cpu ends=()
	shift
	for one; do
		cpu_read "$one"
		ends+=($((cpu + ms)))
	done
	for one; do
		wait_until has_spent "$one" "${ends[0]}"
		ends=("${ends[@]:1}")
	done
}

# ---- sessions ----

# Samples a process while it uses so many milliseconds of CPU time: that many samples, as far as the
# machine lets the timer have its ticks. The session's number is in `session`.
profile() {
	oxprofctl unpause --pid="$1" --frequency=999
	spend "$2" "$1"
	oxprofctl pause
	session=$(sql 'SELECT max(id) FROM sessions')
}

# The same, once its tables are there: a first session had them made.
profile_warm() {
	oxprofctl unpause --pid="$1" --frequency=999
	wait_tables "$1"
	oxprofctl pause
	profile "$1" "$2"
}

# Until the unwinding tables of these targets (by pid, or as comm:NAME) are there: of the last hundred
# stacks of each, none has ended for want of one.
wait_tables() {
	python3 - "$WAIT_SECONDS" "$@" <<-'END'
		import json, subprocess, sys, time

		def counts():
		    status = subprocess.run(["oxprofctl", "status", "--json"], check=True, stdout=subprocess.PIPE)
		    return {t["target"]: (t["samples"], t["stacks"]["no-table"])
		            for t in json.loads(status.stdout)["targets"]}

		end = time.monotonic() + float(sys.argv[1])
		since = counts()
		waiting = {target if ":" in target else "pid:" + target for target in sys.argv[2:]}
		while waiting:
		    if time.monotonic() > end:
		        sys.exit(f"still without tables: {waiting} of {counts()}, {since}")
		    time.sleep(0.1)
		    for target, (samples, missing) in counts().items():
		        if missing != since[target][1]:
		            since[target] = samples, missing
		        elif samples - since[target][0] >= 100:
		            waiting.discard(target)
	END
}

# ---- expectations ----

# Success; what it prints is in $out.
expect_ok() {
	out=$("$@") || fail "exit $? of: $*"
}

# Exit CODE and exactly one line on stderr, which is in $err, and nothing on stdout.
expect_fail() {
	local code=$1 status=0 file
	shift
	file=$(mktemp)
	out=$("$@" 2>"$file") || status=$?
	err=$(cat "$file")
	rm "$file"
	[ "$status" = "$code" ] || fail "exit $status, not $code: $* (stderr: $err)"
	[ "$(grep -c . <<<"$err")" = 1 ] || fail "not one line on stderr of $*: $err"
	[ -z "$out" ] || fail "stdout of $*: $out"
}

# The same, and nothing about the daemon is another than before.
expect_refused() {
	local before
	before=$(daemon_state)
	expect_fail "$@"
	expect_equal "$(daemon_state)" "$before"
}

# `! command` alone would not end a case.
expect_not() {
	! "$@" 2>/dev/null || fail "went well: $*"
}

expect_match() {
	[[ $1 =~ $2 ]] || fail "'$1' does not match '$2'"
}

expect_equal() {
	[ "$1" = "$2" ] || fail "'$1' is not '$2'"
}

# A condition in Python over `d`, the JSON object in $out.
expect_json() {
	python3 -c 'import json, math, re, sys
text = sys.stdin.read()
d = json.loads(text)
if not eval("(%s)" % sys.argv[1]):
    sys.exit("not so: %s in %.2000s" % (sys.argv[1], text))' "$1" <<<"$out"
}

# A value out of it.
json() {
	python3 -c 'import json, re, sys
d = json.load(sys.stdin)
print(eval("(%s)" % sys.argv[1]))' "$1" <<<"$out"
}

# Of $out, an answer by stack: more than so many stacks (500), and of these at least so many (0.999)
# reach the root, as far as chance goes: three standard deviations of those that do not are allowed
# for. What does not is printed by the leaf, for whom it concerns.
expect_whole() {
	json 'd["stacks"]'
	json '"\n".join("%d %.300s ... %s" % (r["self"], r["name"], r["name"].split(";")[-1])
		for r in d["records"] if r["name"].startswith("["))'
	expect_json "sum(d['stacks'].values()) > ${1:-500}"
	expect_json "(lambda n, few: n - d['stacks']['root'] <= few + 3 * math.sqrt(few))(
		sum(d['stacks'].values()), (1 - ${2:-0.999}) * sum(d['stacks'].values()))"
}

# Of $out, an answer by stack: all whole stacks with a frame like LEAF have exactly N frames like
# FUNCTION (regular expressions). With a SHARE below 1 so many of them, and none has more: at the
# first instructions of code that was made at run time its caller cannot be seen.
expect_depth() {
	python3 -c '
import collections, json, re, sys
leaf, function, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
share = float(sys.argv[4]) if len(sys.argv) > 4 else 1
hits = collections.Counter()
for record in json.load(sys.stdin)["records"]:
    frames = record["name"].split(";")
    if not frames[0].startswith("[") and any(re.match(leaf, f) for f in frames):
        hits[sum(bool(re.match(function, f)) for f in frames)] += record["self"]
print("depths of", function, "below", leaf, dict(hits))
if sum(hits.values()) < 100 or hits[n] < share * sum(hits.values()) or max(hits) > n:
    sys.exit(f"not {n} times {function} below {leaf}: {dict(hits)}")' "$@" <<<"$out"
}

# What a stripped program looks like for which there is nothing.
expect_unnamed() {
	local pid=$1 module=$2
	query --pid="$pid"
	expect_json "any(re.match(r'$module\\+0x[0-9a-f]+\$', r['name']) for r in d['records'])"
	expect_json 'not any(r["function"] in ("work", "inner") for r in d["records"])'
}

# Where a debug file with that build-id belongs, below a directory like /usr/lib/debug.
build_id_path() {
	local id
	id=$(readelf -n "$1" | sed -n 's/.*Build ID: //p')
	echo ".build-id/${id:0:2}/${id:2}.debug"
}

# Until a command succeeds.
wait_until() {
	local end=$((SECONDS + WAIT_SECONDS))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || fail "never came true: $*" || return
		sleep 0.1
	done
}

# Whether anybody's session runs.
is_state() {
	[ "$(oxprofctl status --all-users --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["state"])')" = "$1" ]
}

# The same of a user's own sessions: is_state_of USER STATE.
is_state_of() {
	[ "$(as "$1" oxprofctl status --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["state"])')" = "$2" ]
}

# All of the history as JSON in $out.
query() {
	expect_ok oxprofctl query --json --max=0 --session=all "$@"
}

# Is there such a function, in the answer to a query with these options?
has_function() {
	query "${@:2}" && expect_json "any(r['function'] == '$1' for r in d['records'])"
}

sql() {
	sqlite3 -readonly "$database" "$1"
}
