-- SPDX-License-Identifier: MIT
-- 1 pid, 2 started, 3 exec_id, 4 uid, 5 owner, 6 comm, 7 exe, 8 cmdline, 9 user, 10 unit, 11 cgroup
INSERT INTO process(pid, started, exec_id, uid, owner, comm, exe, cmdline, user, unit, cgroup)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
RETURNING id;
