-- SPDX-License-Identifier: MIT
-- 1 pid, 2 started, 3 exec_id, 4 uid, 5 owner
SELECT id FROM process
WHERE pid = ?1 AND started = ?2 AND exec_id = ?3 AND uid = ?4 AND owner = ?5;
