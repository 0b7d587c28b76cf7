-- SPDX-License-Identifier: MIT
-- 1 pid, 2 started, 3 exec_id
SELECT id FROM process WHERE pid = ?1 AND started = ?2 AND exec_id = ?3;
