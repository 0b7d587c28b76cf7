-- SPDX-License-Identifier: MIT
-- 1 set, 2 window, 3 task, 4 node, 5 kind
DELETE FROM sample_hour
WHERE session_set = ?1 AND hour = ?2 / 360 AND task = ?3 AND node = ?4 AND kind = ?5;
