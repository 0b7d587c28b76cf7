-- SPDX-License-Identifier: MIT
-- Takes a row that was deleted out of its hour: 1 set, 2 window, 3 task, 4 node, 5 kind, 6 n
UPDATE sample_hour SET n = n - ?6
WHERE session_set = ?1 AND hour = ?2 / 360 AND task = ?3 AND node = ?4 AND kind = ?5
RETURNING n;
