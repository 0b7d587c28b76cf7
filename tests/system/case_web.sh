# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# The page for the browser: who may, what it does, and how it ends. What a real browser makes of it is
# in tests/browser/web.mjs.

npm=/opt/oxtest/npm
web=""
web_pid=""
# What the server is run by, if not only as its user.
web_by=()

# Serves the page as a user; sets `url`, `origin`, `web_pid` and a directory `web` with what it says.
web_start() {
	local user=$1
	shift
	ip link set lo up
	web=$(mktemp -d /tmp/web.XXXXXX)
	chmod 711 "$web"
	spawn "$user" "${web_by[@]}" oxprofctl web "$@" >"$web/out" 2>"$web/err"
	web_pid=$pid
	wait_until test -s "$web/out"
	url=$(tail -n 1 "$web/out")
	origin=${url%%/#*}
	expect_match "$url" '^http://127\.0\.0\.1:[0-9]+/#token=[0-9a-f]{32}$'
}

# So many addresses.
web_has_printed() {
	[ "$(wc -l <"$web/out")" = "$1" ]
}

# Uses the address up; sets `token`, and keeps the cookie in $web/cookies.
web_log_in() {
	out=$(curl -sf -c "$web/cookies" -H "Origin: $origin" -H 'Content-Type: application/json' \
		-d "{\"token\":\"${1:-${url#*token=}}\"}" "$origin/login")
	token=$(json 'd["token"]')
	expect_match "$token" '^[0-9a-f]{32}$'
}

# curl as it is; sets `code` to the status and `out` to the body.
web_curl() {
	: >"$web/body"
	code=$(curl -s -o "$web/body" -w '%{http_code}' "$@") || true
	out=$(cat "$web/body")
}

# With both secrets: GET PATH, or POST PATH BODY.
web_get() {
	web_curl -b "$web/cookies" -H "X-Oxprof-Token: $token" "$origin$1"
}

web_post() {
	web_curl -b "$web/cookies" -H "X-Oxprof-Token: $token" -H "Origin: $origin" \
		-H 'Content-Type: application/json' -d "$2" "$origin$1"
}

# Refused with one of these statuses (a regular expression), without a word of what is inside, and
# nothing is another than before.
web_refused() {
	local codes=$1 before
	shift
	before=$(daemon_state)
	web_curl "$@"
	expect_match "$code" "^($codes)$"
	[[ $out != *samples* && $out != *spin* ]] || fail "told: $out"
	expect_equal "$(daemon_state)" "$before"
}

case_web_does_what_it_is_for() {
	need curl
	spawn root /opt/oxtest/spin
	local target=pid:$pid
	web_start root
	web_log_in
	web_post /api/unpause "{\"target\":[\"$target\"],\"frequency\":\"999\"}"
	expect_equal "$code" 200
	is_state running
	spend 600 "${target#pid:}"
	web_get "/api/functions?max=3&filter=_spin&sort=self"
	expect_json 'd["records"][0]["function"] == "leaf_spin" and len(d["records"]) <= 3'
	web_get /api/status
	expect_json 'd["state"] == "running" and d["interval_ns"] == 1001001 and "late" not in d["losses_in_part"]'
	web_post /api/set-interval '{"seconds":0.005}'
	expect_equal "$code" 200
	expect_ok oxprofctl status --json
	expect_json 'd["interval_ns"] == 5000000'
	web_post /api/pause '{}'
	is_state paused
	query
	local samples
	samples=$(json 'd["samples"]')
	web_get /api/timeline
	expect_json "sum(d['hits']) == d['samples'] == $samples and len(d['sessions']) == 2"
	expect_json 'all(a < b for a, b in zip(d["start"], d["end"]))
		and all(a <= b for a, b in zip(d["end"], d["start"][1:]))'
	web_get /api/flame
	expect_json "d['sides'][0]['hits'] == $samples == d['nodes']['total'][0]"
	web_get /api/history
	expect_json 'len(d["sessions"]) == 2'
	web_get /api/flame.html
	expect_match "$out" '^<!DOCTYPE html>'
	web_post /api/unpause '{}'
	expect_equal "$code" 200
	is_state running
}

# Windows of ten seconds in which there are samples.
has_windows() {
	[ "$(sql 'SELECT count(DISTINCT time) FROM stacks')" -ge "$1" ]
}

# The sum over the slots is that over all, each for itself, though they end anywhere.
case_web_slots_are_disjoint() {
	need curl
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=199
	wait_until has_windows 2
	oxprofctl set-interval 0.004
	spend 300 "$pid"
	oxprofctl pause
	query
	local samples sum=0 since until hits
	samples=$(json 'd["samples"]')
	web_start root
	web_log_in
	web_get /api/timeline
	expect_json 'len(d["hits"]) >= 2 and len(d["sessions"]) == 2'
	while read -r since until hits; do
		web_get "/api/functions?since=@$since&until=@$until"
		expect_json "d['samples'] == $hits"
		sum=$((sum + hits))
	done < <(json '"\n".join("%.6f %.6f %d" % (a / 1e6, b / 1e6, n)
		for a, b, n in zip(d["start"], d["end"], d["hits"]))')
	expect_equal "$sum" "$samples"
}

case_web_refuses_strangers() {
	need curl
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid"
	local port body='{"target":[]}' path
	web_start root
	web_log_in
	port=${origin##*:}
	local cookies=(-b "$web/cookies") header=(-H "X-Oxprof-Token: $token") \
		from=(-H "Origin: $origin") type=(-H 'Content-Type: application/json')
	local post=("${type[@]}" -d "$body" "$origin/api/pause")

	# Another name of this machine, as one that a foreign site lets point here.
	for path in / /web.js /api/status; do
		web_refused 403 "${cookies[@]}" "${header[@]}" -H "Host: evil.example:$port" "$origin$path"
		web_refused 403 "${cookies[@]}" "${header[@]}" -H 'Host: 127.0.0.1' "$origin$path"
	done
	web_refused 403 "${cookies[@]}" "${header[@]}" "${from[@]}" -H "Host: evil.example:$port" "${post[@]}"
	# A page of another origin, also of this address and another port.
	web_refused 403 "${cookies[@]}" "${header[@]}" -H 'Origin: http://evil.example' "${post[@]}"
	web_refused 403 "${cookies[@]}" "${header[@]}" -H 'Origin: null' "${post[@]}"
	web_refused 403 "${cookies[@]}" "${header[@]}" -H 'Origin: http://127.0.0.1:1' "${post[@]}"
	web_refused 403 "${cookies[@]}" "${header[@]}" "${post[@]}"
	web_refused 403 "${cookies[@]}" "${header[@]}" -H 'Origin: http://evil.example' "$origin/api/status"
	# Another site, as the browser says.
	web_refused 403 "${cookies[@]}" "${header[@]}" "${from[@]}" -H 'Sec-Fetch-Site: cross-site' "${post[@]}"
	web_refused 403 "${cookies[@]}" "${header[@]}" "${from[@]}" -H 'Sec-Fetch-Site: same-site' "${post[@]}"
	web_refused 403 "${cookies[@]}" "${header[@]}" -H 'Sec-Fetch-Site: cross-site' "$origin/"
	# Without the one or the other secret, or with a wrong one.
	web_refused 401 "${header[@]}" "${from[@]}" "${post[@]}"
	web_refused 403 "${cookies[@]}" "${from[@]}" "${post[@]}"
	web_refused 403 "${cookies[@]}" "${from[@]}" -H "X-Oxprof-Token: ${token/?/x}" "${post[@]}"
	web_refused 401 "${header[@]}" "${from[@]}" -b "oxprof-$port=$token" "${post[@]}"
	for path in status functions history timeline flame flame.html; do
		web_refused 401 "$origin/api/$path"
		web_refused 401 "${header[@]}" "$origin/api/$path"
		web_refused 403 "${cookies[@]}" "$origin/api/$path"
	done
	# A change by GET, or by a form.
	for path in pause unpause set-interval; do
		web_refused 405 "${cookies[@]}" "${header[@]}" "$origin/api/$path"
		web_refused 405 "${cookies[@]}" "${header[@]}" "${from[@]}" -X PUT "${type[@]}" -d "$body" "$origin/api/$path"
		web_refused 415 "${cookies[@]}" "${header[@]}" "${from[@]}" -d 'target=all' "$origin/api/$path"
	done
	# What cannot be.
	web_refused 404 "${cookies[@]}" "${header[@]}" "$origin/api/cancel"
	web_refused 404 --path-as-is "$origin/../../etc/passwd"
	web_refused 400 "${cookies[@]}" "${header[@]}" "${from[@]}" "${type[@]}" -d '{' "$origin/api/pause"
	web_refused 400 "${cookies[@]}" "${header[@]}" "${from[@]}" "${type[@]}" -d '{"output":"/x"}' "$origin/api/pause"
	head -c 70000 /dev/zero | tr '\0' x >"$web/long"
	web_refused '413|000' "${cookies[@]}" "${header[@]}" "${from[@]}" "${type[@]}" -d "@$web/long" "$origin/api/pause"
	web_refused '413|000' "${cookies[@]}" "${header[@]}" "${from[@]}" "${type[@]}" -H 'Transfer-Encoding: chunked' \
		-d "@$web/long" "$origin/api/pause"
	web_refused '414|431|400|000' "$origin/$(printf 'x%.0s' {1..40000})"
	# All of it was about a server that works.
	web_get /api/status
	expect_equal "$code" 200
}

case_web_address_works_once() {
	need curl
	web_start root
	local first=${url#*token=}
	web_log_in
	web_refused 403 -H "Origin: $origin" -H 'Content-Type: application/json' \
		-d "{\"token\":\"$first\"}" "$origin/login"
	wait_until grep -q 'address was used before' "$web/err"
	web_refused 403 -H "Origin: $origin" -H 'Content-Type: application/json' \
		-d '{"token":"00000000000000000000000000000000"}' "$origin/login"
	web_refused 403 -H "Origin: $origin" -H 'Content-Type: application/json' -d '{}' "$origin/login"
	# Another one, on request.
	kill -USR1 "$web_pid"
	wait_until web_has_printed 2
	web_log_in "$(sed -n '2s/.*token=//p' "$web/out")"
	web_get /api/status
	expect_equal "$code" 200
	# No secret has come into what is written down.
	! grep -E "$token|$first" "$web/err" || fail "a secret in: $(cat "$web/err")"
	! grep -qE "$token|$first" "/proc/$web_pid/cmdline" || fail 'a secret in the arguments'
}

case_web_headers() {
	need curl
	web_start root
	local path headers
	for path in / /web.js /flamegraph.js /nothing /api/status; do
		headers=$(curl -sD - -o /dev/null "$origin$path" | tr -d '\r')
		expect_match "$headers" "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
		expect_match "$headers" 'X-Content-Type-Options: nosniff'
		expect_match "$headers" 'Referrer-Policy: no-referrer'
		expect_match "$headers" 'Cache-Control: no-store'
		expect_match "$headers" 'Cross-Origin-Resource-Policy: same-origin'
		[[ $headers != *Access-Control* ]] || fail "opens to others: $headers"
	done
	headers=$(curl -sD - -o /dev/null -H "Origin: $origin" -H 'Content-Type: application/json' \
		-d "{\"token\":\"${url#*token=}\"}" "$origin/login")
	expect_match "$headers" "Set-Cookie: oxprof-${origin##*:}=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Strict"
}

# Who serves it is who asks, whoever sits at the browser; and who only lives on the same machine gets
# nothing.
case_web_is_its_user() {
	need curl
	spawn bob /opt/oxtest/spin
	local bobs=$pid
	spawn alice /opt/oxtest/spin
	local alices=$pid
	oxprofctl unpause --pid="$alices" --pid="$bobs" --frequency=999
	spend 300 "$alices" "$bobs"
	oxprofctl cancel
	web_start alice
	web_log_in
	web_get '/api/functions?by=process'
	expect_json "[r['pid'] for r in d['records']] == [$alices] and d['restricted']"
	web_get /api/flame
	expect_json 'd["restricted"] and d["sides"][0]["hits"] > 50 and
		not any(f["kind"] == "kernel" for f in d["functions"])'
	local before
	before=$(daemon_state)
	web_post /api/unpause '{"target":["all"]}'
	expect_equal "$code" 403
	expect_json 'd["error"].startswith("unpause: not permitted to profile all ")'
	web_post /api/unpause "{\"target\":[\"pid:$bobs\"]}"
	expect_equal "$code" 403
	expect_equal "$(daemon_state)" "$before"
	web_post /api/unpause "{\"target\":[\"pid:$alices\"]}"
	expect_equal "$code" 200
	is_state running
	before=$(daemon_state)
	out=$(as bob curl -s -b "$web/cookies" -H "X-Oxprof-Token: $token" "$origin/api/status" \
		"$origin/api/history") || true
	expect_equal "$out" ''
	expect_not as bob curl -s -b "$web/cookies" -H "X-Oxprof-Token: $token" -H "Origin: $origin" \
		-H 'Content-Type: application/json' -d '{}' "$origin/api/pause"
	expect_equal "$(daemon_state)" "$before"
}

# The status that a user gets for the page by each address.
web_as() {
	local name
	for name in 127.0.0.1 localhost '[::1]'; do
		as "$1" curl -s -o /dev/null -w '%{http_code} ' "http://$name:${origin##*:}/" || true
	done
}

# Not a byte for who is somebody else, whatever he sends or takes, by either protocol.
case_web_closes_strangers() {
	need curl
	web_start alice
	as bob python3 - "${origin##*:}" <<-'END'
		import socket, sys
		port, many = int(sys.argv[1]), []
		for i in range(200):
		    for address in "127.0.0.1", "::1":
		        many.append(socket.create_connection((address, port)))
		    try:
		        many[-1].send(b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % port)
		    except OSError:
		        pass
		for one in many:
		    one.settimeout(300)
		    try:
		        said = one.recv(1)
		    except ConnectionError:
		        said = b""
		    assert said == b"", said
	END
	expect_equal "$(web_as bob)" '000 000 000 '
	expect_equal "$(web_as alice)" '200 200 200 '
	expect_equal "$(web_as root)" '200 200 200 '
	expect_equal "$(grep -c 'closed a connection of another user' "$web/err")" 1
	! grep -q 'does not tell' "$web/err" || fail "blind: $(cat "$web/err")"
	# Who became root is still who sits at the browser.
	local variable
	for variable in SUDO_UID PKEXEC_UID; do
		web_by=(env "$variable=$(id -u bob)")
		web_start root
		expect_equal "$(web_as bob)" '200 200 200 '
		expect_equal "$(web_as alice)" '000 000 000 '
	done
}

# Where the kernel cannot be asked there are still the secrets, and who runs it is told.
case_web_without_sock_diag() {
	need curl
	web_by=(systemd-run --quiet --pipe --wait --unit=oxtest-web -p
		'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6')
	web_start root
	expect_equal "$(grep -c 'does not tell whose a connection is' "$web/err")" 1
	expect_equal "$(web_as bob)" '200 200 200 '
	web_log_in
	web_get /api/status
	expect_equal "$code" 200
	expect_equal "$(as bob curl -s -o /dev/null -w '%{http_code}' "$origin/api/status")" 401
	systemctl stop oxtest-web
}

# A byte a second is no silence, but a head has ten seconds; a request that came in time is answered
# beside it.
case_web_head_has_its_time() {
	need curl
	web_start alice
	as alice python3 - "${origin##*:}" <<-'END'
		import http.client, select, socket, sys
		port = int(sys.argv[1])
		kept = http.client.HTTPConnection("127.0.0.1", port)
		slow = [socket.create_connection((address, port)) for address in ("127.0.0.1", "::1")]
		body = socket.create_connection(("127.0.0.1", port))
		body.send(f"POST /login HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n"
		    "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n".encode())
		slow.append(body)
		for one in slow[:2]:
		    one.send(b"GET / HTTP/1.1\r\nX-Slow: ")
		for i in range(100):
		    for one in select.select(slow, [], [], 1)[0]:
		        try:
		            said = one.recv(1)
		        except ConnectionError:
		            said = b""
		        assert said == b"", said
		        slow.remove(one)
		    if not slow:
		        break
		    for one in slow:
		        try:
		            one.send(b"x")
		        except OSError:
		            pass
		    kept.request("GET", "/")
		    answer = kept.getresponse()
		    assert answer.status == 200 and answer.read()
		assert not slow, "they are still waited for"
	END
}

web_is_listened_to() {
	[ -n "$(ss -Hltn "sport = :$1")" ]
}

# Only here, and not for the world.
case_web_listens_on_loopback_only() {
	need curl ss
	web_start root --port=48111
	expect_equal "$origin" http://127.0.0.1:48111
	expect_equal "$(ss -Hltn 'sport = :48111' | awk '{ print $4 }' | sort | tr '\n' ' ')" \
		'127.0.0.1:48111 [::1]:48111 '
	web_curl "http://localhost:48111/"
	expect_equal "$code" 200
	web_curl "http://[::1]:48111/"
	expect_equal "$code" 200
	expect_fail 1 oxprofctl web --port=48111
	expect_match "$err" 'port 48111.*in use'
	# Who has the port at the other address would be a browser's "localhost".
	spawn bob python3 -c 'import socket, time
listener = socket.create_server(("::1", 48112), family=socket.AF_INET6)
time.sleep(1000)'
	wait_until web_is_listened_to 48112
	expect_fail 1 oxprofctl web --port=48112
	expect_match "$err" 'port 48112.*in use'
}

case_web_ends() {
	need curl
	local status signal
	for signal in INT TERM HUP; do
		web_start root
		web_log_in
		kill -s "$signal" "$web_pid"
		status=0
		wait "$web_pid" || status=$?
		expect_equal "$status" 0
		web_curl "$origin/"
		expect_equal "$code" 000
	done
	# With the terminal that it was started from.
	python3 - <<-'END'
		import os, pty, signal, sys
		pid, terminal = pty.fork()
		if pid == 0:
		    os.execlp("oxprofctl", "oxprofctl", "web", "--json")
		text = b""
		while b"token=" not in text or b"once" not in text:
		    text += os.read(terminal, 1000)
		assert b'{"url":"http://127.0.0.1:' in text, text
		os.close(terminal)
		signal.signal(signal.SIGALRM, lambda *_: sys.exit("it lives on without its terminal"))
		signal.alarm(300)
		os.waitpid(pid, 0)
	END
	systemctl stop oxprofd
	systemctl mask --runtime -q oxprofd
	expect_fail 1 oxprofctl web
	expect_match "$err" '^oxprofctl: web: '
	systemctl unmask --runtime -q oxprofd
}

case_web_in_a_browser() {
	need "$npm/node_modules/playwright-core" node /usr/bin/chromium
	spawn root /usr/bin/python3 /opt/oxtest/markup.py
	local markup=$pid
	web_start root
	OXTEST_NPM=$npm WEB_URL=$url WEB_PID=$markup WEB_SERVER=$web_pid WEB_OUT=$web/out \
		node "$(dirname "${BASH_SOURCE[0]}")/../browser/web.mjs"
}

# In a terminal polkit's agent is started for a change that needs a password, and must end although the
# server keeps its signals for itself. (Without a login session polkit does not let it ask. With one:
# case_prompt.sh.)
case_web_with_an_agent() {
	need curl /usr/bin/pkttyagent
	ip link set lo up
	spawn bob /opt/oxtest/spin
	python3 - "$pid" <<-'END'
		import glob, json, os, pty, pwd, re, signal, subprocess, sys

		alice = pwd.getpwnam("alice")
		pid, terminal = pty.fork()
		if pid == 0:
		    os.setgid(alice.pw_gid)
		    os.initgroups("alice", alice.pw_gid)
		    os.setuid(alice.pw_uid)
		    os.execlp("oxprofctl", "oxprofctl", "web")
		said = b""
		while not (address := re.search(rb"(http://[0-9.:]+)/#token=([0-9a-f]{32})", said)):
		    said += os.read(terminal, 4096)
		origin, invitation = (part.decode() for part in address.groups())

		def ask(path, body, *more):
		    return json.loads(subprocess.run(["curl", "-s", "--max-time", "300", *more,
		        "-H", f"Origin: {origin}", "-H", "Content-Type: application/json",
		        "-d", json.dumps(body), origin + path], stdout=subprocess.PIPE).stdout)

		token = ask("/login", {"token": invitation}, "-c", "/tmp/web-cookies")["token"]
		secrets = ("-b", "/tmp/web-cookies", "-H", f"X-Oxprof-Token: {token}")
		answer = ask("/api/unpause", {"target": [f"pid:{sys.argv[1]}"]}, *secrets)
		assert "not permitted" in answer["error"], answer
		for stat in glob.glob("/proc/[0-9]*/stat"):
		    try:
		        parent = open(stat).read().rpartition(") ")[2].split()[1]
		    except (FileNotFoundError, ProcessLookupError):
		        continue
		    assert parent != str(pid), "the agent lives on"
		os.kill(pid, signal.SIGTERM)
		signal.signal(signal.SIGALRM, lambda *_: sys.exit("it does not end"))
		signal.alarm(300)
		status = os.waitpid(pid, 0)[1]
		sys.exit(0 if os.waitstatus_to_exitcode(status) == 0 else f"status {status}")
	END
}
