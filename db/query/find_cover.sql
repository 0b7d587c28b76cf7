-- SPDX-License-Identifier: MIT
-- From where to where there are rows: 1 since, 2 until, 3 session or 0: all
WITH
	asked AS (
		SELECT id, started, ended, max(0, (?1 - started) / 10000000) AS first,
			(?2 - started + 9999999) / 10000000 AS last
		FROM session
		WHERE started < ?2 AND (ended IS NULL OR ended > ?1 OR started >= ?1)
			AND (?3 = 0 OR id = ?3)),
	filled AS (
		SELECT started, ended,
			(SELECT min(t) FROM sample WHERE session = id AND t >= first AND t < last)
				AS low,
			(SELECT max(t) FROM sample WHERE session = id AND t >= first AND t < last)
				AS high
		FROM asked)
SELECT min(started + low * 10000000),
	max(min(started + (high + 1) * 10000000, coalesce(ended, started + (high + 1) * 10000000)))
FROM filled WHERE low IS NOT NULL;
