-- SPDX-License-Identifier: MIT
-- 1 id, which is another one where this is taken, 2 started, 3 owner, 4 mode, 5 interval_ns,
-- 6 targets
INSERT INTO session(id, started, mode, interval_ns, targets, owner)
VALUES (iif(EXISTS (SELECT 1 FROM session WHERE id = ?1), NULL, ?1), ?2, ?4, ?5, ?6, ?3)
RETURNING id;
