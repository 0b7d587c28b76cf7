-- SPDX-License-Identifier: MIT
-- 1 since, 2 until, 3 session or 0: all, 4 uid or NULL: all
SELECT id, started, ended, mode, interval_ns, targets, owner, samples FROM session
WHERE started < ?2 AND (ended IS NULL OR ended > ?1 OR started >= ?1) AND (?3 = 0 OR id = ?3)
AND (?4 IS NULL OR owner = ?4
	OR EXISTS (SELECT 1 FROM sample_hour WHERE sample_hour.session = session.id
		AND task IN (SELECT task.id FROM process JOIN task ON task.process = process.id
			WHERE process.uid = ?4))
	OR EXISTS (SELECT 1 FROM sample WHERE sample.session = session.id AND t >= session.rolled
		AND task IN (SELECT task.id FROM process JOIN task ON task.process = process.id
			WHERE process.uid = ?4)))
ORDER BY started DESC, id DESC;
