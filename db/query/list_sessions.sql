-- SPDX-License-Identifier: MIT
-- 1 since, 2 until, 3 session or 0: all, 4 owner or -1: all
SELECT id, started, ended, mode, interval_ns, targets, owner, samples FROM session
WHERE started < ?2 AND (ended IS NULL OR ended > ?1 OR started >= ?1) AND (?3 = 0 OR id = ?3)
	AND (?4 = -1 OR owner = ?4)
ORDER BY started DESC, id DESC;
