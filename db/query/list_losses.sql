-- SPDX-License-Identifier: MIT
-- 1 since, 2 until, 3 session or 0: all, 4 owner of the session or -1: all
SELECT reason, sum(n) FROM session CROSS JOIN loss ON session = id
	AND t >= ?1 / 10000000 AND t < (?2 + 9999999) / 10000000
WHERE (?3 = 0 OR id = ?3) AND (?4 = -1 OR owner = ?4)
GROUP BY reason;
