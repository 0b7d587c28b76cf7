-- SPDX-License-Identifier: MIT
-- 1 the first id
SELECT task.id, process, tid, task.comm,
	pid, started, exec_id, uid, owner, process.comm, exe, cmdline, user, unit, cgroup
FROM task JOIN process ON process.id = task.process
WHERE task.id >= ?1
ORDER BY task.id;
