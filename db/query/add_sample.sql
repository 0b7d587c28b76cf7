-- SPDX-License-Identifier: MIT
-- 1 set, 2 window, 3 task, 4 node, 5 n
INSERT INTO sample(session_set, t, task, node, kind, n) VALUES (?1, ?2, ?3, ?4, 0, ?5)
ON CONFLICT DO UPDATE SET n = n + excluded.n;
