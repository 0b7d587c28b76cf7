-- SPDX-License-Identifier: MIT
INSERT INTO process(pid, started, exec_id, uid, comm, exe, cmdline, user, unit, cgroup)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
RETURNING id;
