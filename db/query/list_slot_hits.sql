-- SPDX-License-Identifier: MIT
-- 1 since, 2 until, 3 session or 0: all, 4 windows in a slot of the grid. Hours serve where they are
-- whole parts of a slot; the same slot, task and node come more than once: sorting them here would
-- take longer than to add them up in a table of our own.
WITH
	-- The windows [first, last) that overlap what is asked for,
	asked(first, last, rolled, begun) AS (
		SELECT ?1 / 10000000, (?2 + 9999999) / 10000000, rolled, begun FROM rollup),
	-- of these the hours [hour, end_hour) that are asked for as far as they are rolled up,
	hours AS (
		SELECT *, max((first + 359) / 360, begun / 360) AS hour,
			iif(?4 % 360, 0, iif(last >= rolled, (rolled + 359) / 360, last / 360))
				AS end_hour
		FROM asked),
	-- and the windows [first, head) before and [tail, last) behind them: the same for each set.
	span AS MATERIALIZED (
		SELECT id AS session_set, first, last, hour, end_hour,
			iif(hour < end_hour, hour * 360, last) AS head,
			iif(hour < end_hour, iif(last >= rolled, rolled, end_hour * 360), last) AS tail
		FROM hours CROSS JOIN (
			SELECT id FROM session_set WHERE ?3 = 0
			UNION ALL
			SELECT session_set FROM member WHERE session = ?3))
SELECT sample_hour.hour * 360 / ?4, task, node, n
	FROM span CROSS JOIN sample_hour USING (session_set)
	WHERE sample_hour.hour >= span.hour AND sample_hour.hour < span.end_hour
UNION ALL
SELECT t / ?4, task, node, n FROM span CROSS JOIN sample USING (session_set)
	WHERE t >= first AND t < head
UNION ALL
SELECT t / ?4, task, node, n FROM span CROSS JOIN sample USING (session_set)
	WHERE t >= tail AND t < last;
