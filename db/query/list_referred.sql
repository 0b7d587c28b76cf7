-- SPDX-License-Identifier: MIT
-- What samples refer to: hours have every row of the windows that are rolled up.
SELECT session_set, task, node FROM rollup JOIN sample_hour ON hour >= rollup.begun / 360
UNION ALL
SELECT sample.session_set, task, node FROM rollup CROSS JOIN session_set CROSS JOIN sample
	ON sample.session_set = session_set.id AND sample.t < rollup.begun
UNION ALL
SELECT sample.session_set, task, node FROM rollup CROSS JOIN session_set CROSS JOIN sample
	ON sample.session_set = session_set.id AND sample.t >= max(rollup.rolled, rollup.begun);
