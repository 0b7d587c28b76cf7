-- SPDX-License-Identifier: MIT
-- 1 started, 2 mode, 3 interval_ns, 4 targets, 5 owner
INSERT INTO session(started, mode, interval_ns, targets, owner) VALUES (?1, ?2, ?3, ?4, ?5)
RETURNING id;
