-- SPDX-License-Identifier: MIT
-- 1 since, 2 until, 3 session or 0: all
WITH
	-- The windows [first, last) of each session that overlap what is asked for.
	asked(session, first, last, rolled) AS (
		SELECT id, max(0, (?1 - started) / 10000000), (?2 - started + 9999999) / 10000000,
			rolled
		FROM session
		WHERE started < ?2 AND (ended IS NULL OR ended > ?1 OR started >= ?1)
			AND (?3 = 0 OR id = ?3))
SELECT reason, sum(n) FROM asked CROSS JOIN loss USING (session)
WHERE t >= first AND t < last GROUP BY reason;
