# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# The live view in a real terminal: what is on the screen, what keys do, what becomes of both when
# the terminal changes its size or the daemon goes.

terminal() {
	tmux -L oxtest -f /dev/null "$@"
}

# One of so many columns and rows that runs this command, until the case ends; then its exit status
# stands on the screen. As a user: of its own server.
terminal_open() {
	need tmux
	export LANG=C.UTF-8 TERM=screen-256color
	terminal kill-server 2>/dev/null || true
	# The server before may still be going.
	wait_until terminal new-session -d -x "$1" -y "$2" "$3; echo exit \$?; sleep 1000"
}

terminal_press() {
	terminal send-keys "$@"
}

# What is on it now, in $out.
terminal_read() {
	out=$(terminal capture-pane -p)
}

terminal_shows() {
	terminal_read
	grep -Eq -- "$1" <<<"$out"
}

# Sooner or later; what is there instead is said.
expect_shown() {
	wait_until terminal_shows "$1" || fail "not on the screen: $1
$out"
}

terminal_row_shows() {
	terminal_read
	sed -n "$1p" <<<"$out" | grep -Eq -- "$2"
}

# The same of one row of the screen: it may be read while it is being drawn.
expect_row() {
	wait_until terminal_row_shows "$1" "$2" || fail "not in row $1: $2
$out"
}

expect_hidden() {
	terminal_read
	! grep -E -- "$1" <<<"$out" || fail "on the screen: $1
$out"
}

# The share in that column (2: self, 4: total) of the row whose name begins so.
share_shown() {
	awk -v name="$2" -v column="$1" 'index($6, name "(") == 1 { print $column }' <<<"$out"
}

# The samples that are shown: a few hundred, in some five seconds, and these functions among them.
terminal_shows_samples() {
	local one
	terminal_shows 'Samples  [0-9]{3,} in [45]\.[0-9] s' || return
	for one; do
		[ -n "$(share_shown 2 "$one")" ] || return
	done
}

# The shares of these functions, as NAME=SHARE, are what can be expected of so many samples: within three
# standard deviations, and the part of the program's round (25 ms at most) that was begun or is left.
expect_shares() {
	local one samples
	wait_until terminal_shows_samples "${@%=*}" || fail "$out"
	samples=$(sed -n 's/^Samples  *\([0-9]*\).*/\1/p' <<<"$out")
	for one; do
		python3 -c 'import sys
shown, wanted, n = float(sys.argv[1]) / 100, float(sys.argv[2]), int(sys.argv[3])
if abs(shown - wanted) > 3 * (wanted * (1 - wanted) / n) ** 0.5 + 25 / n:
    sys.exit("%s of %d is not %s" % (shown, n, wanted))' "$(share_shown 2 "${one%=*}")" "${one#*=}" \
			"$samples" || fail "$one: $out"
	done
}

expect_all_shares() {
	expect_shares five=0.5 three=0.3 two=0.2
}

# So often has it waited for something: top does at least once a second.
waits_of() {
	sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$1/status"
}

has_waited() {
	[ "$(waits_of "$1")" -ge "$2" ]
}

# The process of `oxprofctl top` in the terminal.
top_pid() {
	child_named "$(terminal list-panes -F '#{pane_pid}')" oxprofctl
}

# A program that runs and is sampled; its pid in `pid`.
shares_start() {
	spawn_waiting root /opt/oxtest/shares 300
	oxprofctl unpause --pid="$pid" --frequency=999
	spawn_go
}

expect_top() {
	terminal_open "$1" "$2" "oxprofctl top --pid=$pid"
	expect_all_shares
	expect_equal "$(wc -l <<<"$out")" "$2"
	expect_match "$out" "running for .* \| last 5 s \| by function \| sort self"
	expect_match "$out" "Interval 1.001ms wanted \(999 Hz\), 1\.[0-9]+ms .* achieved"
	expect_match "$out" "Targets  pid:$pid running"
	expect_match "$out" 'Lost     (none|[0-9]+ )'
	expect_match "$out" 'Daemon   [0-9.]+ % of a CPU'
	expect_match "$out" 'SELF +SELF% +TOTAL +TOTAL% +KIND +NAME'
	expect_match "$out" 'q quit .* h help'
}

case_top_shows_shares() {
	shares_start
	expect_top 80 24
	terminal_press t
	expect_shown ' 100\.00 native +main\(shares\)'
	terminal_press q
	expect_shown '^exit 0'
	expect_hidden 'SELF%'
	expect_top 200 50
	expect_match "$out" 'space freeze'
	terminal_press C-c
	expect_shown '^exit 0'
	# Nothing is left on the screen after SIGTERM either.
	terminal_open 80 24 'oxprofctl top'
	expect_shown 'SELF%'
	kill -TERM "$(top_pid)"
	expect_shown '^exit 0'
	expect_hidden 'SELF%'
}

case_top_sorts_and_selects() {
	shares_start
	terminal_open 80 24 "oxprofctl top --pid=$pid --sort=name"
	expect_shown 'sort name'
	expect_shown '100\.00 native _start'
	terminal_press s
	expect_shown 'sort self'
	expect_row 9 ' five\('
	terminal_press t
	expect_shown 'sort total'
	expect_row 9 ' 100\.00 '
	terminal_press Left
	expect_shown 'sort self'
	# The selected one is followed.
	terminal_press Down Down
	expect_shown '^two\(shares\)  /.*shares\.c:[0-9]+$'
	terminal_press n
	expect_shown 'sort name'
	expect_shown '^two\(shares\)  '
	terminal_press Home
	expect_hidden '^two\(shares\)  '
	terminal_press +
	expect_shown 'last 15 s'
	terminal_press + +
	expect_shown '\| all [0-9]+s'
	terminal_press h
	expect_shown '^space +freeze'
	expect_hidden 'SELF%'
	terminal_press x
	expect_shown SELF%
	terminal_press Space
	expect_shown FROZEN
	terminal_read
	before=$(grep Samples <<<"$out")
	# It counts on, some seconds.
	wait_until has_waited "$(top_pid)" $(($(waits_of "$(top_pid)") + 30))
	terminal_read
	grep -q "^$before\$" <<<"$out"
	terminal_press Space
	wait_until expect_hidden "^$before\$"
	# Keys that come faster than what they change is counted.
	terminal_press Down Down
	terminal_press - Down Up PageDown - s Home Space
	expect_shown 'FROZEN \| last 15 s'
	expect_shown ' five\('
	terminal_press C-\\
	expect_shown '^exit 0'
	expect_hidden 'SELF%'
}

case_top_filters() {
	shares_start
	terminal_open 80 24 "oxprofctl top --pid=$pid --filter='^(three|two)'"
	expect_shown ' three\(shares\)'
	expect_hidden ' (five|main)\('
	# Still of all samples.
	expect_shares three=0.3 two=0.2
	# A bad one changes nothing.
	terminal_press / C-u 'a(b' Enter
	expect_shown 'not a regular expression'
	expect_shown 'filter \^\(three\|two\)'
	expect_hidden ' five\('
	# Nor does one that is left.
	terminal_press / zzz
	expect_shown '^Filter: .*zzz'
	terminal_press Escape
	expect_shown 'filter \^\(three\|two\)'
	terminal_press / C-u ive Enter
	expect_shown ' five\(shares\)'
	expect_hidden 'three\('
	# What was counted while it did not match is there at once.
	terminal_press / C-u Enter
	expect_shown ' three\(shares\)'
	expect_all_shares
	expect_hidden filter\ .*ive
	terminal_press q
	expect_shown '^exit 0'
}

case_top_counts_by_process_and_kind() {
	shares_start
	terminal_open 80 24 "oxprofctl top"
	expect_shown ' five\(shares\)'
	terminal_press b
	expect_shown 'by module'
	expect_shown ' shares$'
	terminal_press b
	expect_shown "TOTAL% +PID NAME"
	expect_shown "100\.00 +$pid shares"
	terminal_press b
	expect_shown "100\.00 +$pid +$pid shares"
	terminal_press b k k
	expect_shown 'by function .* native only'
	expect_shown ' five\(shares\)'
	wait_until has_waited "$(top_pid)" $(($(waits_of "$(top_pid)") + 20))
	expect_hidden '[0-9] kernel '
}

case_top_pauses_and_unpauses() {
	shares_start
	terminal_open 80 24 "oxprofctl top"
	expect_shown '^running'
	terminal_press p
	wait_until is_state paused
	expect_shown '^paused'
	expect_shown '^Nothing is sampled\. u: go on|five\(shares\)'
	terminal_press u
	wait_until is_state running
	expect_shown '^running'
	# It is the same target.
	expect_ok oxprofctl status --json
	expect_json "[t['target'] for t in d['targets']] == ['pid:$pid']"
	# Nothing to go on with: said, and nothing done.
	oxprofctl cancel
	terminal_press u
	expect_shown 'no target'
	is_state paused
}

# A user without the right to it is told, and the screen stays.
case_top_is_refused() {
	need tmux
	shares_start
	export LANG=C.UTF-8 TERM=screen-256color
	terminal_open 80 24 "setpriv --reuid=alice --regid=alice --init-groups \
		oxprofctl top --no-ask-password"
	expect_shown 'only your own processes'
	# There is nothing of hers to go on with.
	terminal_press u
	expect_shown '^unpause: there is no target yet; '
	is_state running
}

case_top_survives_every_size() {
	shares_start
	terminal_open 80 24 "oxprofctl top"
	expect_shown ' five\(shares\)'
	for size in 200x50 20x5 5x2 1x1 300x100 80x24; do
		terminal resize-window -x "${size%x*}" -y "${size#*x}"
		sleep 0.3
	done
	expect_shown 'q quit .* h help'
	terminal resize-window -x 20 -y 5
	expect_shown '^ SELF% NAME'
	expect_shown '^ +[0-9.]+ five\(shares\)'
	terminal resize-window -x 200 -y 50
	expect_shown 'space freeze'
	expect_shown ' five\(shares\)'
	terminal_press q
	expect_shown '^exit 0'
}

case_top_survives_the_daemon() {
	shares_start
	terminal_open 100 24 "oxprofctl top"
	expect_shown ' five\(shares\)'
	systemctl stop oxprofd
	expect_shown '^no answer'
	expect_shown 'it is not running'
	# What was counted is still there.
	expect_shown ' five\(shares\)'
	daemon_start
	expect_shown '^paused'
	oxprofctl unpause --pid="$pid" --frequency=999
	expect_shown '^running'
	expect_hidden 'not running'
	# Another history: said, and counted from there.
	systemctl stop oxprofd
	find /var/lib/oxprof -mindepth 1 -delete
	daemon_start
	oxprofctl unpause --pid="$pid" --frequency=999
	expect_shown 'counts went back'
	terminal_press x
	expect_all_shares
}

case_top_needs_a_terminal() {
	expect_fail 1 oxprofctl top
	expect_match "$err" 'top: not a terminal; use --json'
	expect_fail 1 oxprofctl top --json --filter='a(b'
	expect_match "$err" 'not a regular expression'
	systemctl stop oxprofd
	expect_fail 1 oxprofctl top --json
	expect_match "$err" 'it is not running'
}

has_counted() {
	[ "$(wc -l </tmp/top.json)" -ge "$1" ]
}

# Until so many seconds more are there.
top_counts() {
	wait_until has_counted $(($(wc -l </tmp/top.json) + $1))
}

# Every sample is in exactly one second, over a pause, with names that come late, and with FULL=1 also
# when the windows that are asked for move on, after a minute.
case_top_counts_everything_once() {
	local top seconds=4
	[ -z "${FULL-}" ] || seconds=48
	spawn_waiting root /opt/oxtest/shares 300
	oxprofctl top --json --pid="$pid" >/tmp/top.json &
	top=$!
	top_counts 1
	oxprofctl unpause --pid="$pid" --frequency=999
	spawn_go
	top_counts "$((seconds / 2 + 5))"
	spend 500 "$pid"
	oxprofctl pause
	top_counts 2
	oxprofctl unpause
	top_counts "$seconds"
	oxprofctl pause
	top_counts 2
	kill -INT "$top"
	wait "$top"
	query --pid="$pid"
	python3 - "$out" <<-'END'
		import json, sys
		whole = json.loads(sys.argv[1])
		seconds = [json.loads(line) for line in open("/tmp/top.json")]
		assert len(seconds) > 12 and all(s["error"] is None for s in seconds), len(seconds)
		assert all(s["seconds"] for s in seconds)
		print(sum(s["samples"] for s in seconds), whole["samples"])
		assert sum(s["samples"] for s in seconds) == whole["samples"] > 500
		for field in "self", "total":
		    for name in "five(shares)", "three(shares)", "two(shares)", "main(shares)":
		        one = sum(r[field] for s in seconds for r in s["records"] if r["name"] == name)
		        assert one == sum(r[field] for r in whole["records"] if r["name"] == name), name
		for field in "lost", "stacks":
		    for key, n in whole[field].items():
		        assert sum(s[field].get(key, 0) for s in seconds) == n, (field, key)
		assert {s["state"] for s in seconds} == {"paused", "running"}
	END
}
