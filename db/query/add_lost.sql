-- SPDX-License-Identifier: MIT
-- 1 session, 2 reason, 3 n
INSERT INTO lost(session, reason, n) VALUES (?1, ?2, ?3)
ON CONFLICT DO UPDATE SET n = n + excluded.n;
