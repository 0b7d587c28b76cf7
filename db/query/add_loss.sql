-- SPDX-License-Identifier: MIT
-- 1 session, 2 window, 3 reason, 4 n
INSERT INTO loss(session, t, reason, n) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO UPDATE SET n = n + excluded.n;
