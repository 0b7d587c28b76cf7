-- SPDX-License-Identifier: MIT
-- From where to where there are rows of an owner's processes: 1 since, 2 until, 3 session or 0: all,
-- 4 owner. The hours tell where to look, so that not each row of others is read.
WITH
	owned(task) AS MATERIALIZED (
		SELECT task.id FROM process JOIN task ON task.process = process.id
		WHERE owner = ?4),
	asked(first, last, rolled, begun) AS (
		SELECT ?1 / 10000000, (?2 + 9999999) / 10000000, rolled, begun FROM rollup),
	-- The first and the last hour, as far as they are rolled up, that has such rows,
	hours AS MATERIALIZED (
		SELECT *,
			(SELECT min(hour) FROM sample_hour WHERE session_set = id
				AND hour >= max(first, begun) / 360 AND hour * 360 < last AND task IN owned)
				AS low_hour,
			(SELECT max(hour) FROM sample_hour WHERE session_set = id
				AND hour >= max(first, begun) / 360 AND hour * 360 < last AND task IN owned)
				AS high_hour
		FROM asked CROSS JOIN (
			SELECT id FROM session_set WHERE ?3 = 0
			UNION ALL
			SELECT session_set FROM member WHERE session = ?3)),
	-- and the windows.
	filled AS MATERIALIZED (
		SELECT id,
			coalesce((SELECT min(t) FROM sample WHERE session_set = id
				AND t >= first AND t < min(last, begun) AND task IN owned),
				(SELECT min(t) FROM sample WHERE session_set = id
				AND t >= max(first, coalesce(low_hour * 360, rolled)) AND t < last
				AND task IN owned))
				AS low,
			coalesce((SELECT max(t) FROM sample WHERE session_set = id
				AND t >= max(first, rolled) AND t < last AND task IN owned),
				(SELECT max(t) FROM sample WHERE session_set = id
				AND t >= first AND t < min(last, (high_hour + 1) * 360)
				AND task IN owned),
				(SELECT max(t) FROM sample WHERE session_set = id
				AND t >= first AND t < min(last, begun) AND task IN owned))
				AS high
		FROM hours),
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
