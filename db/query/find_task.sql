-- SPDX-License-Identifier: MIT
-- 1 process, 2 tid, 3 comm
SELECT id FROM task WHERE process = ?1 AND tid = ?2 AND comm = ?3;
