# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# What a user may do to the sessions of others: nothing. The numbers have to add up whatever else the machine
# does, so what was sampled is compared with the CPU time that a process used, and where a CPU was taken
# away in between it is counted once more.

TRIES=4

is_stopped() {
	grep -q '^State:.T' "/proc/$1/status"
}

# A process of that user that stands still, and once it goes on has that CPU nearly for itself.
spawn_still() {
	spawn "$1" /opt/oxtest/spin
	kill -STOP "$pid"
	wait_until is_stopped "$pid"
	taskset --all-tasks --cpu-list --pid "$2" "$pid" >/dev/null
	chrt --fifo --pid 1 "$pid"
}

run_ns() {
	local one ns sum=0
	for one; do
		read -r ns _ <"/proc/$one/schedstat"
		sum=$((sum + ns))
	done
	echo $sum
}

# Lets processes go on until each has used so many milliseconds of CPU time, and stop again. `ran_ns` is
# what they used, all together: each tick of their time is one of that time.
let_run() {
	local ms=$1 before one
	shift
	before=$(run_ns "$@")
	kill -CONT "$@"
	spend "$ms" "$@"
	kill -STOP "$@"
	for one; do
		wait_until is_stopped "$one"
	done
	ran_ns=$(($(run_ns "$@") - before))
}

# The number of the newest session that a user began.
newest_session() {
	sql "SELECT max(id) FROM sessions WHERE owner = $(id -u "$1")"
}

# What a session took, and what it missed: into `samples` and `lost`.
read_figures() {
	local figures
	figures=$(sql "SELECT samples || ' ' || lost FROM sessions WHERE id = $1")
	read -r samples lost <<<"$figures"
}

# A value out of an object that comes on standard input.
json_of() {
	out=$(cat) json "$1"
}

# Is that within PERCENT, and what chance adds, of what it should be?
is_near() {
	python3 -c 'import sys
got, wanted, percent, chance = map(float, sys.argv[1:])
print(f"{got:.0f} of {wanted:.1f}, within {percent} % and {chance:.1f}")
sys.exit(abs(got - wanted) > wanted * percent / 100 + chance + 1)' "$1" "$2" "$3" "${4:-0}"
}

# ---- who changes something all the time ----

# Has root sample a process for 10 s of its CPU time, at 199 Hz, in one session. `ticks` is how many there
# were in that time.
sample_of_root() {
	local session
	oxprofctl unpause --pid="$1" --frequency=199
	session=$(newest_session root)
	let_run 10000 "$1"
	ticks=$((ran_ns / 1000 * 199 / 1000000))
	expect_ok oxprofctl status --json
	expect_json "d['state'] == 'running' and d['session'] == $session"
	oxprofctl pause
	expect_equal "$(newest_session root)" "$session"
	read_figures "$session"
	echo "session $session: $samples samples, $lost lost, $ticks ticks"
}

# The same, while alice toggles a target of her own. `out` is what she was told how often.
sample_beside() {
	coproc TOGGLE { as alice python3 ./toggle.py "$2" 15; }
	sample_of_root "$1"
	echo >&"${TOGGLE[1]}"
	read -r out <&"${TOGGLE[0]}"
	echo "$out"
	wait "$TOGGLE_PID"
}

case_toggle_takes_nothing() {
	local busy toy alone began n
	spawn alice /opt/oxtest/spin
	toy=$pid
	spawn_still root $(($(nproc) - 1))
	busy=$pid
	for ((n = 0; n < TRIES; n++)); do
		sample_of_root "$busy"
		alone=$((samples * 1000 / ticks))
		began=$SECONDS
		sample_beside "$busy" "$toy"
		# One change for each second, and those that were saved.
		expect_json "d['done'] <= 22 + $((SECONDS - began))"
		expect_json 'd.keys() <= {"done", "too many changes: a user may make N at once,"
			" and then one a second; try again in N s"}'
		[ "$(json 'sum(d.values()) > 100 and max(d, key=d.get) != "done"')" = True ] &&
			is_near $((samples + lost)) "$ticks" 2 &&
			is_near $((samples * 1000 / ticks)) "$alone" 2 && return
	done
	fail "root's samples do not add up while alice toggles a target"
}

case_interval_of_others_stays() {
	local session sleeper
	spawn alice /bin/sleep 1000
	sleeper=$pid
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	session=$(newest_session root)
	as alice oxprofctl unpause --pid="$sleeper" --interval=10
	as alice oxprofctl set-interval 5
	spend 500 "$pid"
	expect_ok oxprofctl status --json
	expect_json "d['session'] == $session and d['interval_ns'] == 1001001"
	oxprofctl pause
	read_figures "$session"
	[ $((samples + lost)) -gt 400 ]
	# The next one: 99 Hz, beside one of 5 s.
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid"
	spend 2000 "$pid"
	expect_ok oxprofctl status --json
	expect_json 'd["interval_ns"] == 10101010'
	oxprofctl set-interval 0.002
	oxprofctl pause
	read_figures "$((session + 3))"
	[ $((samples + lost)) -gt 150 ]
	out=$(as alice oxprofctl status --json)
	expect_json 'd["state"] == "running" and d["interval_ns"] == 5e9'
	out=$(as alice oxprofctl history --json)
	expect_json "[s['id'] for s in d['sessions']] == [$session + 2, $session + 1]"
}

# ---- two users, two rates ----

# Does a session have as many ticks as its rate makes of the time that its process ran? Where that has not
# all of its CPU, which ticks are its own is chance: three standard deviations of it are allowed for.
has_rate() {
	local id=$1 hertz=$2 usec chance n
	expect_ok oxprofctl history --json --session="$id"
	usec=$(json 'd["sessions"][0]["ended"] - d["sessions"][0]["started"]')
	n=$((ran_ns / 1000 * hertz / 1000000))
	chance=$(python3 -c "print(3 * ($n * max(0, 1 - $ran_ns / $usec / 1e3)) ** 0.5)")
	read_figures "$id"
	is_near $((samples + lost)) $n 1 "$chance"
}

# Samples a process of alice's for 10 s of its CPU time, as root and as her, each at a rate of their own.
sample_at_two_rates() {
	local process=$1 roots_hertz=$2 alices_hertz=$3
	oxprofctl unpause --pid="$process" --comm=sleep --frequency="$roots_hertz"
	as alice oxprofctl unpause --user=alice --frequency="$alices_hertz"
	let_run 10000 "$process"
	as alice oxprofctl pause
	oxprofctl pause
	alices=$(newest_session alice) roots=$(newest_session root)
	has_rate "$roots" "$roots_hertz" && has_rate "$alices" "$alices_hertz"
}

as_reader() {
	as symbolizer sqlite3 -readonly "$database" "$1"
}

# What a member of the group reads adds up: what both sessions took is one row, and counts in each.
expect_hits_once() {
	local one all both
	all=$(as_reader 'SELECT sum(hits) FROM stacks')
	both=$(as_reader "SELECT sum(hits) FROM stacks WHERE sessions = '$1 $2'")
	[ "$both" -gt 0 ]
	for one; do
		expect_equal "$(as_reader "SELECT sum(hits) FROM stacks
				WHERE ' ' || sessions || ' ' LIKE '% $one %'")" \
			"$(as_reader "SELECT samples FROM sessions WHERE id = $one")"
	done
	expect_equal $((all + both)) "$(as_reader "SELECT sum(samples) FROM sessions WHERE id IN ($1, $2)")"
	all=$(as_reader 'SELECT sum(hits) FROM stacks WHERE folded IS NOT NULL')
	expect_equal "$(as_reader 'SELECT sum(self_hits) FROM history')" "$all"
	expect_equal "$(as_reader 'SELECT sum(self_hits) FROM functions')" "$all"
}

# Each user's history has that user's sessions alone, with their own losses.
expect_own_history() {
	local user=$1 id=$2 losses
	losses=$(as_reader "SELECT coalesce(sum(count), 0) FROM losses WHERE session = $id")
	read_figures "$id"
	out=$(as "$user" oxprofctl history --json)
	expect_json "all(s['owner'] == $(id -u "$user") for s in d['sessions'])"
	expect_json "[(s['samples'], sum(s['lost'].values())) for s in d['sessions'] if s['id'] == $id]
		== [($samples, $losses)]"
}

expect_two_rates() {
	local alices roots n
	for ((n = 0; n < TRIES; n++)); do
		daemon_reset
		sample_at_two_rates "$@" || continue
		expect_own_history root "$roots"
		expect_own_history alice "$alices"
		expect_hits_once "$roots" "$alices"
		return
	done
	fail "the rates are not those that were asked for"
}

case_two_users_two_rates() {
	spawn_still alice $(($(nproc) - 1))
	expect_two_rates "$pid" 10 997
	expect_two_rates "$pid" 997 10
}

# ---- sessions that are not there ----

# What is said to a user who asks so for that session, and how it ended.
answer() {
	local user=$1 id=$2
	shift 2
	as "$user" oxprofctl "$@" --session="$id" 2>&1 && return
	echo "exit $?"
}

# To who may not see it another's session is as one that never was.
case_session_of_others_is_absent() {
	local session verb before
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	session=$(newest_session root)
	spawn alice /opt/oxtest/spin
	as alice oxprofctl unpause --pid="$pid" --frequency=999
	spend 300 "$pid"
	for verb in status history query show tree 'flamegraph -o /home/alice/graph.html' 'query --format=folded' \
		'query --by=process' pause cancel 'set-interval 0.01' 'pause --pid=1'; do
		# shellcheck disable=SC2086
		before=$(answer alice 4711 $verb | sed s/4711/N/)
		# shellcheck disable=SC2086
		expect_equal "$(answer alice "$session" $verb | sed "s/session $session /session N /")" "$before"
		expect_match "$before" 'exit 1$'
	done
	expect_ok oxprofctl status --json
	expect_json "d['state'] == 'running' and d['session'] == $session and d['interval_ns'] == 1001001"
	for verb in status history pause cancel 'set-interval 0.01'; do
		# shellcheck disable=SC2086
		expect_refused 1 as alice oxprofctl $verb --all-users
	done
	# Root has the right: it is the scope that keeps root to its own.
	oxprofctl pause
	is_state_of root paused
	is_state_of alice running
	oxprofctl pause --all-users
	is_state paused
}

# ---- room for everybody ----

# Begins sessions of a user's, each with a target and an interval of its own.
begin_sessions() {
	local n
	for ((n = 100; n < 100 + $2; n++)); do
		spawn "$1" /bin/sleep 1000
		as "$1" oxprofctl unpause --pid="$pid" --interval="0.$n"
	done
}

count_sessions() {
	oxprofctl status --json --all-users |
		json_of "sum(s['state'] == 'running' and s['owner'] == $(id -u "$1") for s in d['sessions'])"
}

case_sessions_have_a_limit() {
	local user
	for user in alice bob symbolizer; do
		begin_sessions $user 16
		spawn $user /bin/sleep 1000
		expect_refused 1 as $user oxprofctl unpause --pid="$pid" --interval=0.5
		expect_match "$err" '16 sessions of yours run already'
		expect_equal "$(count_sessions $user)" 16
	done
	begin_sessions carol 8
	spawn carol /bin/sleep 1000
	expect_refused 1 as carol oxprofctl unpause --pid="$pid" --interval=0.5
	expect_match "$err" 'too many sessions run on this machine already'
	# Root's, in what is left.
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 300 "$pid"
	query
	expect_json 'd["samples"] > 100 and any(r["function"] == "leaf_spin" for r in d["records"])'
	expect_equal "$(count_sessions root)" 1
	# What ends makes room.
	as alice oxprofctl cancel
	spawn carol /bin/sleep 1000
	as carol oxprofctl unpause --pid="$pid" --interval=0.5
	expect_equal "$(count_sessions carol)" 9
}
