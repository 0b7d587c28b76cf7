# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# What a user sees of what is not the user's own: nothing, whatever is chosen, and however it is asked for.
# What must not be seen has a telling name: phase_NAME, or secret_work.

manager=(org.oxprof1 /org/oxprof1 org.oxprof1.Manager)
told=/tmp/told

# Asks as a user, about everything and about what is the default.
ask() {
	as "$@" --session=all
	as "$@"
}

# All that a user is told in any way, into a file; errors, too.
ask_all() {
	local user=$1 word
	(
		set +e
		trap - ERR
		for word in function module file line stack process thread unit user; do
			ask "$user" oxprofctl query --json --max=0 --by=$word
		done
		for word in folded csv speedscope flamegraph svg; do
			ask "$user" oxprofctl query --max=0 --format=$word
		done
		ask "$user" oxprofctl query --format=pprof | zcat
		ask "$user" oxprofctl show
		ask "$user" oxprofctl tree --threshold=0
		as "$user" oxprofctl query --since=-1h --json --max=0
		as "$user" oxprofctl query --user="$user" --json --max=0
		for word in "${others[@]}"; do
			as "$user" oxprofctl query --pid="$word" --json --max=0 --session=all
			as "$user" oxprofctl query --pid="$word" --format=folded --session=all
		done
		as "$user" oxprofctl status
		as "$user" oxprofctl status --json
		as "$user" oxprofctl history
		as "$user" oxprofctl history --json
		for word in State Mode Interval Targets Samples Lost; do
			as "$user" busctl get-property "${manager[@]}" $word
		done
		as "$user" busctl call "${manager[@]}" Query 'a{sv}' 1 session x 0
		as "$user" busctl call "${manager[@]}" GetStatus
		as "$user" busctl call "${manager[@]}" History 'a{sv}' 0
	) >$told 2>&1
}

# A user is told of an own process, and nothing in which there is one of these words.
expect_silent() {
	local user=$1
	shift
	ask_all "$user"
	grep -aq leaf_spin $told
	! grep -aEo -m 3 ".{0,80}($1).{0,80}" $told || fail "told to $user: $1"
}

# And these are there, for who may see them.
expect_told() {
	local word
	ask_all root
	for word; do
		grep -aq "$word" $told || fail "root is not told of $word"
	done
}

phases=(phase_root phase_effective phase_fsuid phase_but_real phase_but_effective phase_but_saved
	phase_but_fsuid phase_but_group)

# A server of root's that takes alice's ids now and then, and a process that is alice's.
start_server() {
	spawn root /opt/oxtest/phases "$(id -u alice)"
	server=$pid
	spawn alice /opt/oxtest/spin
	others=("$server")
}

# Of what was not hers only how often it was refused is told to alice.
expect_none_of() {
	out=$(as alice oxprofctl query --json --by=process --session=all --max=0)
	expect_json "not any(r['pid'] in ($1,) for r in d['records']) and d['restricted']"
	out=$(as alice oxprofctl query --json --session=all --pid="$1")
	expect_json 'd["samples"] == 0 and d["records"] == []'
}

# ---- a server that changes its uid ----

case_phases_of_a_server() {
	local server others n
	start_server
	# In whichever phase it is asked.
	for ((n = 0; n < 10; n++)); do
		expect_refused 1 as alice oxprofctl unpause --pid="$server"
	done
	# Hers is the first one to meet it, in a phase that has her effective uid.
	as alice oxprofctl unpause --user=alice --frequency=998
	spend 200 "$server" "$pid"
	oxprofctl unpause --all --frequency=999
	spend 1000 "$server" "$pid"
	expect_silent alice 'phase'
	expect_none_of "$server"
	oxprofctl pause
	as alice oxprofctl pause
	expect_silent alice 'phase'
	expect_told "${phases[@]}"
	# Under root's eyes, too, it is nobody's while the ids are not all the same.
	expect_equal "$(sql "SELECT DISTINCT coalesce(owner, 'nobody') FROM processes
			WHERE pid = $server ORDER BY owner IS NULL")" $'0\nnobody'
}

# It becomes hers: what it does then is, and it is another row.
case_server_becomes_own() {
	local server others
	start_server
	oxprofctl unpause --pid="$server" --pid="$pid" --frequency=999
	spend 500 "$server"
	kill -USR1 "$server"
	wait_until grep -q "^Uid:.$(id -u alice).$(id -u alice).$(id -u alice)" "/proc/$server/status"
	spend 500 "$server" "$pid"
	oxprofctl pause
	expect_silent alice 'phase_[^o]'
	grep -aq phase_own $told
	out=$(as alice oxprofctl query --json --session=all --pid="$server")
	expect_json "d['samples'] > 100"
	expect_told phase_own "${phases[@]}"
	expect_equal "$(sql "SELECT DISTINCT coalesce(owner, -1) FROM processes
			WHERE pid = $server ORDER BY 1")" "$(printf '%s\n' -1 0 "$(id -u alice)")"
}

# The same of a program in Python: nor is it told that there is one.
case_phases_in_python() {
	local server others
	present /usr/bin/python3
	spawn root /usr/bin/python3 -c "
import os
def phase_python():
    for i in range(100000):
        os.getpid
os.seteuid($(id -u alice))
while True:
    phase_python()"
	server=$pid
	others=("$server")
	spawn alice /opt/oxtest/spin
	as alice oxprofctl unpause --user=alice --frequency=998
	oxprofctl unpause --pid="$server" --pid="$pid" --frequency=999
	spend 1000 "$server" "$pid"
	expect_silent alice 'phase_python|CPython'
	expect_told phase_python CPython
}

# ---- programs that are not their user's ----

# Is its memory not its user's? The files of /proc are root's then.
is_closed() {
	[ "$(stat -c %u "/proc/$1/environ")" = 0 ]
}

# What alice may run and not look into. `secrets` are the processes.
start_secrets() {
	local secret program
	install -o root -g adm -m 2755 /opt/oxtest/secret /opt/oxtest/secret-group
	install -o root -m 0711 /opt/oxtest/secret /opt/oxtest/secret-unread
	install -o root -m 0755 /opt/oxtest/secret /opt/oxtest/secret-able
	setcap cap_net_raw+ep /opt/oxtest/secret-able 2>/dev/null || rm /opt/oxtest/secret-able
	secrets=()
	# By another program: setpriv has the capabilities of root until it executes one, and who may read a
	# program need not be kept from it.
	for program in '/opt/oxtest/secret closed' /opt/oxtest/secret-*; do
		# shellcheck disable=SC2086
		spawn alice /usr/bin/env $program
		secrets+=("$pid")
	done
	for secret in "${secrets[@]}"; do
		wait_until is_closed "$secret"
	done
	others=("${secrets[@]}")
}

case_programs_that_are_closed() {
	local secrets others secret
	start_secrets
	spawn alice /opt/oxtest/spin
	for secret in "${secrets[@]}"; do
		expect_refused 1 as alice oxprofctl unpause --pid="$secret"
	done
	oxprofctl unpause --all --frequency=999
	as alice oxprofctl unpause --user=alice --frequency=998
	spend 300 "${secrets[@]}" "$pid"
	expect_silent alice 'secret'
	for secret in "${secrets[@]}"; do
		expect_none_of "$secret"
		expect_equal "$(sql "SELECT DISTINCT owner IS NULL FROM processes WHERE pid = $secret")" 1
	done
	oxprofctl pause
	as alice oxprofctl pause
	expect_silent alice 'secret'
	expect_told secret_work
	rm -f /opt/oxtest/secret-*
}

# An own process that was chosen, and is none any more: the same pid, and its children.
case_own_process_executes_another() {
	local others program
	install -o root -g adm -m 2755 /opt/oxtest/secret /opt/oxtest/secret-group
	install -o root -m 0711 /opt/oxtest/secret /opt/oxtest/secret-unread
	others=()
	for program in secret-group secret-unread; do
		spawn_waiting alice /usr/bin/python3 -c "
import os
input()
if os.fork() == 0:
    os.execv('/opt/oxtest/spin', ['spin'])
os.fork()
os.execv('/opt/oxtest/$program', ['$program'])"
		others+=("$pid")
		as alice oxprofctl unpause --pid="$pid" --children --frequency=999
		oxprofctl unpause --pid="$pid" --children --frequency=998
		spawn_go
		wait_program "$pid" "$program"
	done
	spend 500 "${others[@]}"
	expect_silent alice 'secret'
	expect_told secret_work
	rm /opt/oxtest/secret-*
}

# With the right to have others' processes sampled, but none to see them.
case_right_to_profile_shows_nothing() {
	local server others
	cat >/etc/polkit-1/rules.d/oxtest.rules <<-END
		polkit.addRule(function(action, subject) {
			if (action.id == "org.oxprof1.profile-others" && subject.user == "alice")
				return polkit.Result.YES;
		});
	END
	start_server
	wait_until as alice oxprofctl unpause --pid="$server" --pid="$pid" --frequency=999
	spend 500 "$server" "$pid"
	expect_silent alice 'phase'
	expect_none_of "$server"
	expect_told "${phases[@]}"
}

# ---- what is there, and what comes ----

# A pid that is asked for while nobody has it, and becomes a process of root's at about that time: however
# the daemon's answer is, no sample of it is alice's.
case_absent_process_appears() {
	local users=(alice bob carol) user n wanted root others=() decoys=() taken=0
	need /opt/oxtest/at_pid
	oxprofctl unpause --comm=secret --frequency=999
	for user in "${users[@]}"; do
		spawn "$user" /opt/oxtest/spin
		as "$user" oxprofctl unpause --pid="$pid"
		# They make the request long, so that there is time for the other one.
		for ((n = 0; n < 40; n++)); do
			decoys+=("--pid=$pid")
		done
		for ((n = 0; n < 18; n++)); do
			wanted=$((30000 + RANDOM % 2000))
			[ ! -e /proc/$wanted ] || continue
			as "$user" oxprofctl unpause "${decoys[@]}" --pid=$wanted >/dev/null 2>&1 &
			asked=$!
			sleep "0.0$((RANDOM % 60 + 10))"
			/opt/oxtest/at_pid $wanted /opt/oxtest/secret 2>/dev/null &
			root=$!
			! wait $asked || taken=$((taken + 1))
			[ ! -e /proc/$wanted ] || spend 20 $wanted
			kill -9 $root
			wait $root || true
			others+=("$wanted")
		done
		decoys=()
	done
	echo "$taken of ${#others[@]} were accepted"
	oxprofctl pause
	others=("${others[@]:0:3}")
	for user in "${users[@]}"; do
		expect_silent "$user" secret
	done
	expect_told secret_work
}

# What was alice's own under root's --all is hers, and no more; of the losses nothing.
case_own_part_of_all() {
	local alices bobs samples others
	spawn bob /opt/oxtest/shares 1000
	bobs=$pid
	others=("$bobs")
	spawn alice /opt/oxtest/spin
	alices=$pid
	oxprofctl unpause --all --frequency=999
	spend 500 "$alices"
	oxprofctl pause
	query --pid="$alices" --by=process
	samples=$(json 'd["samples"]')
	out=$(as alice oxprofctl query --json --max=0 --by=process --session=all)
	expect_json "[r['pid'] for r in d['records']] == [$alices] and d['samples'] == $samples
		and d['restricted'] and d['lost'] == {}"
	out=$(as alice oxprofctl history --json)
	expect_json 'd["sessions"] == []'
	expect_silent alice "\"pid\":$bobs\\b|\\(kernel\\)"
	# Her own session is what she means then.
	as alice oxprofctl unpause --pid="$alices" --frequency=999
	spend 200 "$alices"
	as alice oxprofctl pause
	out=$(as alice oxprofctl query --json)
	expect_json "0 < d['samples'] < $samples and d['session'] == 2"
	out=$(as alice oxprofctl query --json --session=all)
	expect_json "d['samples'] > $samples and d['session'] is None"
}

# Losses, totals, targets and times are those of one's own.
case_totals_of_others() {
	local others=() began
	spawn root /opt/oxtest/deep
	others=("$pid")
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 300 "$pid"
	# The window of alice's first sample is another one than that of root's.
	began=$((EPOCHSECONDS / 10))
	while [ $((EPOCHSECONDS / 10)) = $began ]; do
		sleep 0.5
	done
	began=$((EPOCHSECONDS / 10 * 10000000))
	spawn alice /opt/oxtest/spin
	as alice oxprofctl unpause --pid="$pid" --frequency=998
	spend 300 "$pid" "${others[0]}"
	query --session=all
	expect_json "d['lost']['stack-cut'] > 100 and d['since'] < $began"
	out=$(as alice oxprofctl query --json --session=all)
	expect_json "d['since'] >= $began and d['samples'] < 10000"
	expect_silent alice "stack-cut|\\[cut\\]|deep|descend|pid:${others[0]}"
	out=$(as alice oxprofctl status --json)
	expect_json "len(d['targets']) == 1 and len(d['sessions']) == 1
		and d['samples'] == d['sessions'][0]['samples'] == d['targets'][0]['samples']
		and d['other_sessions'] is None"
}

# ---- what is told unasked ----

has_signals() {
	[ "$(grep -c PropertiesChanged "$1")" -ge "$2" ]
}

case_changes_of_others_are_not_told() {
	local roots user
	spawn root /opt/oxtest/spin
	roots=$pid
	spawn alice /opt/oxtest/spin
	for user in root alice bob; do
		as $user python3 ./listen.py >/tmp/told.$user &
		wait_until grep -q ready /tmp/told.$user
	done
	oxprofctl unpause --pid="$roots" --frequency=999
	oxprofctl set-interval 0.02
	oxprofctl pause
	oxprofctl unpause
	oxprofctl cancel
	oxprofctl unpause --pid="$roots"
	wait_until has_signals /tmp/told.root 6
	# What was said to her before this came before it.
	as alice oxprofctl unpause --pid="$pid"
	as alice oxprofctl pause
	wait_until has_signals /tmp/told.alice 2
	sed -n 2p /tmp/told.alice | grep -q "running.*pid:$pid"
	expect_not grep PropertiesChanged /tmp/told.bob
	expect_not grep "pid:$roots" /tmp/told.alice
	expect_not grep "pid:$pid" /tmp/told.root
	expect_not grep '"destination": null' /tmp/told.{alice,bob,root}
	rm /tmp/told.{alice,bob,root}
}
