-- SPDX-License-Identifier: MIT
-- Adds the windows from 2 to below 3 of set 1 to their hours.
INSERT INTO sample_hour(session_set, hour, task, node, kind, n)
SELECT session_set, t / 360, task, node, kind, sum(n) FROM sample
WHERE session_set = ?1 AND t >= ?2 AND t < ?3
GROUP BY session_set, t / 360, task, node, kind
ON CONFLICT DO UPDATE SET n = n + excluded.n;
