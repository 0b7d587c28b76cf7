-- SPDX-License-Identifier: MIT
-- 1 since, 2 until, 3 session or 0: all, 4 windows in a slot of the session's time. Hours serve where
-- they are whole parts of a slot; the same session, slot, task and node come more than once: sorting
-- them here would take longer than to add them up in a table of our own.
WITH
	-- The windows [first, last) of each session that overlap what is asked for,
	asked(session, first, last, rolled) AS (
		SELECT id, max(0, (?1 - started) / 10000000), (?2 - started + 9999999) / 10000000,
			rolled
		FROM session
		WHERE started < ?2 AND (ended IS NULL OR ended > ?1 OR started >= ?1)
			AND (?3 = 0 OR id = ?3)),
	-- of these the hours [hour, end_hour) that are asked for as far as they are rolled up,
	hours AS (
		SELECT *, (first + 359) / 360 AS hour,
			iif(?4 % 360, 0, iif(last >= rolled, (rolled + 359) / 360, last / 360))
				AS end_hour
		FROM asked),
	-- and the windows [first, head) before and [tail, last) behind them.
	span AS MATERIALIZED (
		SELECT session, first, last, hour, end_hour,
			iif(hour < end_hour, hour * 360, last) AS head,
			iif(hour < end_hour, iif(last >= rolled, rolled, end_hour * 360), last) AS tail
		FROM hours)
SELECT session, sample_hour.hour * 360 / ?4, task, node, n
	FROM span CROSS JOIN sample_hour USING (session)
	WHERE sample_hour.hour >= span.hour AND sample_hour.hour < span.end_hour
UNION ALL
SELECT session, t / ?4, task, node, n FROM span CROSS JOIN sample USING (session)
	WHERE t >= first AND t < head
UNION ALL
SELECT session, t / ?4, task, node, n FROM span CROSS JOIN sample USING (session)
	WHERE t >= tail AND t < last;
