-- SPDX-License-Identifier: MIT
-- From where to where there are rows: 1 since, 2 until, 3 session or 0: all
WITH
	asked(first, last) AS (SELECT ?1 / 10000000, (?2 + 9999999) / 10000000),
	filled AS MATERIALIZED (
		SELECT id,
			(SELECT min(t) FROM sample WHERE session_set = id AND t >= first AND t < last)
				AS low,
			(SELECT max(t) FROM sample WHERE session_set = id AND t >= first AND t < last)
				AS high
		FROM asked CROSS JOIN (
			SELECT id FROM session_set WHERE ?3 = 0
			UNION ALL
			SELECT session_set FROM member WHERE session = ?3)),
	-- The rows of a set lie where all its sessions ran, which began and ended within windows.
	began AS (
		SELECT max(low * 10000000, coalesce((SELECT max(started)
			FROM member JOIN session ON session.id = member.session
			WHERE session_set = filled.id AND started / 10000000 = low), 0)) AS usec
		FROM filled WHERE low = (SELECT min(low) FROM filled)),
	ended AS (
		SELECT min((high + 1) * 10000000, coalesce((SELECT min(ended)
			FROM member JOIN session ON session.id = member.session
			WHERE session_set = filled.id AND ended / 10000000 = high), 1 << 62)) AS usec
		FROM filled WHERE high = (SELECT max(high) FROM filled))
SELECT (SELECT min(usec) FROM began), (SELECT max(usec) FROM ended);
