-- SPDX-License-Identifier: MIT
-- A late one, whose window is rolled up already: 1 set, 2 window, 3 task, 4 node, 5 n
INSERT INTO sample_hour(session_set, hour, task, node, kind, n)
VALUES (?1, ?2 / 360, ?3, ?4, 0, ?5)
ON CONFLICT DO UPDATE SET n = n + excluded.n;
