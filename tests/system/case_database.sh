# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# The file, as people see it who come with sqlite3.

views="sessions processes functions history stacks losses"

views_read() {
	local view
	for view in $views; do
		as symbolizer sqlite3 -readonly "$database" "SELECT count(*) FROM $view" >/dev/null
	done
	[ "$(as symbolizer sqlite3 -readonly "$database" \
		"SELECT self_hits > 100 FROM functions WHERE function = 'leaf_spin'")" = 1 ]
}

case_reader_live_stopped_killed() {
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 600 "$pid"
	query
	views_read
	systemctl stop oxprofd
	views_read
	systemctl start oxprofd
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 300 "$pid"
	query
	# Not started again at once: the file has to be readable as the kill left it.
	daemon_drop_in Restart=no
	kill -9 "$(daemon_pid)"
	wait_until systemctl is-failed oxprofd
	views_read
	expect_equal "$(as symbolizer sqlite3 -readonly "$database" 'PRAGMA integrity_check')" ok
}

case_reader_is_no_writer() {
	expect_fail 1 as alice sqlite3 -readonly "$database" 'SELECT count(*) FROM sessions'
	expect_not as symbolizer sqlite3 "$database" 'DELETE FROM session'
	expect_not as symbolizer touch /var/lib/oxprof/file
}

case_views() {
	spawn alice /opt/oxtest/spin
	profile "$pid" 300
	expect_equal "$(sql 'SELECT mode, interval_ns, targets FROM sessions')" \
		"cpu|1001001|pid:$pid"
	sql 'SELECT started FROM sessions' | grep -Eq '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z?$'
	expect_equal "$(sql 'SELECT pid, comm, exe, user FROM processes')" \
		"$pid|spin|/opt/oxtest/spin|alice"
	sql "SELECT folded FROM stacks" | grep -q 'outer_spin[^;]*;leaf_spin'
	expect_equal "$(sql 'SELECT sum(hits) FROM stacks')" "$(sql 'SELECT sum(samples) FROM sessions')"
	sql "SELECT time, seconds, session, pid, comm, unit, name, kind, self_hits, total_hits
		FROM history WHERE name LIKE 'leaf_spin%'" | grep -q "|$pid|spin|"
	sql 'SELECT time, session, reason, count FROM losses' >/dev/null
}

case_corrupt_is_set_aside() {
	systemctl stop oxprofd
	rm -f "$database"-*
	yes garbage | head -c 100000 >"$database"
	chown oxprof:oxprof-read "$database"
	daemon_start
	is_state paused
	expect_equal "$(sql 'PRAGMA integrity_check')" ok
	grep -lq garbage /var/lib/oxprof/*
	journalctl -q -u oxprofd | grep -qiE 'set aside|damaged|corrupt'
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid"
}

case_newer_is_left_alone() {
	local before
	systemctl stop oxprofd
	sqlite3 "$database" 'PRAGMA user_version = 9999; PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	before=$(sha256sum <"$database")
	expect_not daemon_start
	journalctl -q -u oxprofd | grep -q newer
	systemctl stop oxprofd
	expect_equal "$(sha256sum <"$database")" "$before"
}
