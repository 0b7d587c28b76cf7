# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# Polkit's question for a password on the terminal of a login session: of a verb, of `top` in the midst
# of its screen, of `web` for a browser. Stands on the terminal of case_top.sh and the calls of
# case_web.sh.

password=bluebell

# A login session of alice in a terminal of 160 columns and 30 rows, at a seat as at the desk, or without
# one as over the network. Her shell is one that leaves a terminal as a program has left it.
session_open() {
	need tmux login loginctl /usr/bin/pkttyagent
	echo "root:$password" | chpasswd
	usermod -s /bin/dash alice 2>/dev/null
	touch /home/alice/.hushlogin
	# Whoever is an administrator of this machine: here it is root alone.
	echo 'polkit.addAdminRule(function() { return ["unix-user:root"]; });' \
		>/etc/polkit-1/rules.d/00-oxtest.rules
	systemctl restart polkit
	systemctl start systemd-logind
	terminal_open 160 30 "env ${1:+XDG_SEAT=$1} login -p -f alice"
	expect_shown '^\$'
	# shellcheck disable=SC2016
	terminal_type 'echo "session $XDG_SESSION_ID."'
	expect_shown '^session [0-9]+\.'
	expect_session "$(sed -n 's/^session \([0-9]*\)\..*/\1/p' <<<"$out")" "${1-}"
}

expect_session() {
	out=$(loginctl show-session "$1")
	expect_match "$out" 'Name=alice'
	expect_match "$out" 'Active=yes'
	expect_match "$out" 'Remote=no'
	expect_equal "$(sed -n 's/^Seat=//p' <<<"$out")" "$2"
}

# A line, as typed.
terminal_type() {
	terminal send-keys -l "$1"
	terminal_press Enter
}

# A command line of alice; its exit status is shown behind it.
session_run() {
	terminal_type "clear; $1; echo \"code \$?\""
}

session_tty() {
	terminal display-message -p '#{pane_tty}'
}

echoes() {
	stty -a -F "$(session_tty)" | grep -q ' echo '
}

# It can be answered: what is typed from now on is not shown.
expect_prompt() {
	expect_shown '^==== AUTHENTICATING FOR org\.oxprof1\.'
	expect_shown '^Password: *$'
	# The screen may still show the one before.
	wait_until expect_not echoes
}

# No question is open, and the terminal is as it was.
expect_no_prompt() {
	expect_not grep -qsx pkttyagent /proc/[0-9]*/comm
	echoes
	expect_hidden "$password|wrong"
}

# Something that alice has no right to: root samples a program of bob's.
others_start() {
	spawn bob /opt/oxtest/spin
	oxprofctl unpause --pid="$pid"
	is_state running
}

case_prompt_takes_the_password() {
	session_open seat0
	session_run 'oxprofctl unpause --all'
	expect_prompt
	is_state paused
	terminal_type "$password"
	expect_shown '^code 0'
	expect_no_prompt
	is_state running
	expect_ok oxprofctl status --json --all-users
	expect_json '[(t["target"], t["owner"] != 0) for t in d["targets"]] == [("all", True)]'
}

case_prompt_refuses_a_wrong_password() {
	session_open seat0
	local before
	before=$(daemon_state)
	session_run 'oxprofctl unpause --all'
	expect_prompt
	terminal_type wrong
	expect_shown '^code 1'
	expect_no_prompt
	# Below what polkit has to say.
	expect_equal "$(sed '1,/^==== AUTHENTICATION FAILED/d; /^code/,$d' <<<"$out" | wc -l)" 1
	expect_shown '^oxprofctl: unpause: no password was accepted; not permitted to profile all; '
	expect_equal "$(daemon_state)" "$before"
}

# Five times: the agent puts the terminal right, and the shell does not wait for it.
case_prompt_is_interrupted() {
	session_open seat0
	local before n
	before=$(daemon_state)
	for n in 1 2 3 4 5; do
		terminal_type 'clear; oxprofctl unpause --all'
		expect_prompt
		terminal_press C-c
		# Not of the same line: that is over, too.
		wait_until echoes
		terminal_type 'echo "code $?"'
		expect_shown '^code 130'
		expect_no_prompt
	done
	expect_equal "$(daemon_state)" "$before"
}

case_prompt_is_not_wanted() {
	session_open seat0
	local before
	before=$(daemon_state)
	session_run 'oxprofctl unpause --all --no-ask-password'
	expect_shown '^code 1'
	expect_shown '^oxprofctl: unpause: not permitted to profile all without a password; '
	# Nor is anybody asked without a terminal to type on.
	session_run 'oxprofctl unpause --all </dev/null'
	expect_shown '^code 1'
	expect_hidden 'AUTHENTICATING'
	expect_no_prompt
	expect_equal "$(daemon_state)" "$before"
}

# The screen of top is there again, of so many rows: what it says last stands in the last one.
expect_top_screen() {
	expect_shown 'SELF%'
	wait_until top_fills "$1"
	expect_hidden AUTHENTICATI
}

top_fills() {
	terminal_read
	[ "$(wc -l <<<"$out")" = "$1" ] && [ -n "$(tail -n 1 <<<"$out")" ]
}

# Who comes from elsewhere is asked each time. Pausing is one's own; what was sampled of others is not
# resumed without the right.
case_prompt_of_top() {
	spawn bob /opt/oxtest/spin
	session_open
	session_run 'oxprofctl unpause --all'
	expect_prompt
	terminal_type "$password"
	expect_shown '^code 0'
	session_run 'oxprofctl top'
	expect_shown '^running'
	terminal_press p
	expect_shown '^paused'
	is_state paused
	terminal_press u
	expect_prompt
	expect_hidden 'SELF%'
	# Its size changes while the screen is not there.
	terminal resize-window -x 140 -y 40
	terminal_type wrong
	expect_shown '^unpause: no password was accepted; not permitted to resume what is not yours; '
	expect_top_screen 40
	is_state paused
	# No is an answer, too, and ends the question only.
	terminal_press u
	expect_prompt
	terminal_press C-c
	expect_shown '^unpause: no password was accepted; '
	is_state paused
	terminal_press Space
	expect_shown FROZEN
	terminal_press Space
	terminal_press u
	expect_prompt
	terminal resize-window -x 120 -y 24
	terminal_type "$password"
	expect_shown '^running'
	expect_top_screen 24
	is_state running
	terminal_press q
	expect_shown '^code 0'
	expect_no_prompt
}

# Who sits at the desk is not asked again by the same program for some minutes.
case_prompt_of_top_at_the_desk() {
	spawn bob /opt/oxtest/spin
	session_open seat0
	session_run 'oxprofctl unpause --all'
	expect_prompt
	terminal_type "$password"
	expect_shown '^code 0'
	session_run 'oxprofctl top'
	expect_shown '^running'
	terminal_press p
	expect_shown '^paused'
	terminal_press u
	expect_prompt
	terminal_type "$password"
	expect_shown '^running'
	terminal_press p
	expect_shown '^paused'
	is_state paused
	terminal_press u
	expect_shown '^running'
	is_state running
	terminal_press q
	expect_shown '^code 0'
	expect_no_prompt
}

# The page, served by alice in her session, and a browser that has joined.
session_web() {
	need curl
	ip link set lo up
	web=$(mktemp -d /tmp/web.XXXXXX)
	session_run 'oxprofctl web'
	expect_shown '^http://127\.0\.0\.1:[0-9]+/#token=[0-9a-f]{32}$'
	url=$(grep -o '^http://.*' <<<"$out")
	origin=${url%%/#*}
	web_log_in
}

# An order of the page that goes on beside the case, POST PATH BODY; order_end sets `code` and `out`.
order_start() {
	: >"$web/order"
	curl -s --max-time "$WAIT_SECONDS" -o "$web/order" -w '%{http_code}' -b "$web/cookies" -H "X-Oxprof-Token: $token" \
		-H "Origin: $origin" -H 'Content-Type: application/json' -d "$2" "$origin$1" >"$web/code" &
	order=$!
}

order_end() {
	wait "$order" || true
	code=$(cat "$web/code")
	out=$(cat "$web/order")
}

case_prompt_of_web() {
	others_start
	session_open seat0
	session_web
	order_start /api/unpause '{"target":["all"]}'
	expect_prompt
	terminal_type wrong
	order_end
	expect_equal "$code" 403
	expect_json 'd["error"].startswith("unpause: no password was accepted; not permitted to profile all")'
	is_state_of alice paused
	expect_no_prompt

	terminal clear-history
	order_start /api/unpause '{"target":["all"]}'
	wait_until expect_not echoes
	# The page works on meanwhile; but there is one terminal.
	local path
	for path in / /api/status /api/functions /api/timeline /api/flame /api/history; do
		web_get "$path"
		expect_equal "$code" 200
	done
	web_post /api/unpause '{"target":["all"]}'
	expect_equal "$code" 409
	expect_json 'd["error"].startswith("unpause: a password is being asked for already, ")'
	expect_not echoes
	is_state_of alice paused
	terminal_type "$password"
	order_end
	expect_equal "$code $out" '200 {"ok":true}'
	is_state_of alice running
	expect_shown '^==== AUTHENTICATION COMPLETE'
	expect_hidden 'Error'
	expect_no_prompt

	# Not asked again for this; but for another right.
	web_post /api/pause '{}'
	expect_equal "$code" 200
	is_state_of alice paused
	is_state running
	web_post /api/unpause '{}'
	expect_equal "$code" 200
	is_state_of alice running
	order_start /api/set-interval '{"seconds":0.0005}'
	expect_shown 'AUTHENTICATING FOR org\.oxprof1\.configure'
	wait_until expect_not echoes
	terminal_press C-c
	expect_shown 'code 0'
	order_end
	expect_match "$code" '^(403|000)$'
	expect_no_prompt
	expect_ok oxprofctl status --json
	expect_json 'd["interval_ns"] != 500000'
}

# Who logged in has their own pager; root without a login has less, which is told to start nothing.
case_prompt_pager() {
	local bin
	session_open
	bin=$(mktemp -d)
	# shellcheck disable=SC2016
	printf '#!/bin/sh\necho "less secure=$LESSSECURE"\ncat >/dev/null\n' >"$bin/less"
	chmod -R a+rx "$bin"
	session_run "stty rows 10; PAGER='echo own pager secure=\$LESSSECURE; cat >/dev/null' oxprofctl doctor"
	expect_shown '^own pager secure=$'
	session_run "PATH=$bin:\$PATH oxprofctl doctor"
	expect_shown '^less secure=$'
	terminal_open 160 10 "env PATH=$bin:$PATH PAGER='echo own pager; cat >/dev/null' oxprofctl doctor"
	expect_shown '^less secure=1$'
	expect_hidden 'own pager'
}
