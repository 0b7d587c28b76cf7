-- SPDX-License-Identifier: MIT
-- Fills in what was unknown; a process may change its comm, the last one counts. Writes nothing
-- where there is nothing new.
-- 1 id, 2 comm, 3 exe, 4 cmdline, 5 user, 6 unit, 7 cgroup
UPDATE process SET
	comm = iif(?2 = '', comm, ?2),
	exe = iif(exe = '', ?3, exe),
	cmdline = iif(cmdline = '', ?4, cmdline),
	user = iif(user = '', ?5, user),
	unit = iif(unit = '', ?6, unit),
	cgroup = iif(cgroup = '', ?7, cgroup)
WHERE id = ?1 AND (
	(comm <> ?2 AND ?2 <> '') OR (exe = '' AND ?3 <> '') OR (cmdline = '' AND ?4 <> '')
	OR (user = '' AND ?5 <> '') OR (unit = '' AND ?6 <> '') OR (cgroup = '' AND ?7 <> ''));
