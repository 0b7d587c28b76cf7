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

told() {
	journalctl -q -u oxprofd | grep -c 'deleted, moved or replaced'
}

# The file under its own name, and that it is told: once more in the journal, and in the status.
database_anew() { # TOLD-BEFORE
	query
	[ -s "$database" ]
	oxprofctl status | grep -q 'deleted, moved or replaced'
	expect_equal "$(told)" $(($1 + 1))
	expect_equal "$(sql 'PRAGMA integrity_check')" ok
}

case_removed_while_sampling() {
	local session before n
	n=$(told) || true
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 300 "$pid"
	query
	session=$(sql 'SELECT max(id) FROM sessions')
	before=$(daemon_pid)
	rm "$database"*
	spend 600 "$pid"
	database_anew "$n"
	expect_equal "$(daemon_pid)" "$before"
	expect_equal "$(sql 'SELECT id, ended IS NULL FROM sessions')" "$session|1"
	[ "$(sql 'SELECT sum(hits) > 300 FROM stacks')" = 1 ]
	has_function leaf_spin --pid="$pid"
	oxprofctl pause
	expect_equal "$(sql 'SELECT sum(hits) FROM stacks')" "$(sql 'SELECT sum(samples) FROM sessions')"
}

case_moved_while_sampling() {
	local hits n
	n=$(told) || true
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	spend 300 "$pid"
	query
	hits=$(sql 'SELECT sum(hits) FROM stacks')
	mv "$database" "$database.moved"
	spend 300 "$pid"
	database_anew "$n"
	[ "$(sql 'SELECT sum(hits) > 100 FROM stacks')" = 1 ]
	# Nothing of the old one was left in a log that is not there any more.
	expect_equal "$(sqlite3 "$database.moved" 'PRAGMA integrity_check')" ok
	[ "$(sqlite3 "$database.moved" 'SELECT sum(n) FROM sample')" -ge "$hits" ]
	rm -f "$database.moved"*
}

# A day of a busy machine, three minutes to a window, each with stacks of its own.
database_grow() {
	sqlite3 "$database" "
		INSERT INTO session(id, started, ended, mode, interval_ns, targets, owner, samples)
			VALUES (1, 1760000000000000, 1760086400000000, 'cpu', 10101010, 'all', 0, 480000);
		INSERT INTO session_set(id, sessions) VALUES (1, '1');
		INSERT INTO member(session, session_set) VALUES (1, 1);
		INSERT INTO process(id, pid, started, exec_id, uid, owner, comm, exe, cmdline, user, unit, cgroup)
			VALUES (1, 7, 1, 1, 0, 0, 'old', '', '', 'root', '', '');
		INSERT INTO task(id, process, tid, comm) VALUES (1, 1, 7, 'old');
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 480000)
			INSERT INTO node(id, parent, frame) SELECT i, i > 1, i FROM n;
		INSERT INTO sample SELECT 1, 176000000 + id / 1000 * 18, 1, id, 0, 1 FROM node;
		INSERT INTO sample_hour SELECT 1, t / 360, 1, node, 0, n FROM sample;
		UPDATE rollup SET rolled = 176008641;
		PRAGMA wal_checkpoint(truncate);"
}

database_is_small() {
	[ "$(cat "$database"* | wc -c)" -le $((10 << 20)) ]
}

case_size_is_kept() {
	systemctl stop oxprofd
	mkdir -p /etc/oxprof/oxprofd.conf.d
	printf '[Storage]\nMaxSize=10M\n' >/etc/oxprof/oxprofd.conf.d/oxtest.conf
	daemon_start
	systemctl stop oxprofd
	database_grow
	expect_not database_is_small
	daemon_start
	spawn root /opt/oxtest/spin
	oxprofctl unpause --pid="$pid" --frequency=999
	wait_until database_is_small
	wait_until sh -c "journalctl -q -u oxprofd | grep -q 'oldest windows are deleted'"
	spend 300 "$pid"
	query
	oxprofctl status | grep -q 'Database: .* of at most 10.0M, since 20'
	[ "$(sql 'SELECT min(t) > 176000000 FROM sample')" = 1 ]
	# The session is there, what it took is told, and of what is left nothing dangles.
	expect_equal "$(sql 'SELECT samples FROM sessions WHERE id = 1')" 480000
	oxprofctl history | grep -q 480000
	expect_equal "$(sql 'SELECT count(*) FROM sample WHERE node > 0 AND node NOT IN (SELECT id FROM node)')" 0
	expect_equal "$(sql 'PRAGMA integrity_check')" ok
	[ "$(sql "SELECT self_hits > 100 FROM functions WHERE function = 'leaf_spin'")" = 1 ]
}
