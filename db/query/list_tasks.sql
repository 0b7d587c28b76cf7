-- SPDX-License-Identifier: MIT
SELECT task.id, process, tid, task.comm,
	pid, started, exec_id, uid, owner, process.comm, exe, cmdline, user, unit, cgroup
FROM task JOIN process ON process.id = task.process
ORDER BY task.id;
