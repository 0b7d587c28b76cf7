-- SPDX-License-Identifier: MIT
-- Adds the windows from 1 to below 2 of every set to their hours.
INSERT INTO sample_hour(session_set, hour, task, node, kind, n)
SELECT session_set, t / 360, task, node, kind, sum(n)
FROM session_set CROSS JOIN sample ON session_set = id AND t >= ?1 AND t < ?2
GROUP BY session_set, t / 360, task, node, kind
ON CONFLICT DO UPDATE SET n = n + excluded.n;
