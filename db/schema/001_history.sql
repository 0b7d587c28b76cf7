-- SPDX-License-Identifier: MIT
--
-- Version 1: the history. The tables are private and may change with any version; the views at the
-- end are public and stay.
--
-- In a table '' is "unknown": NULL is not equal to itself, so UNIQUE would not hold. In a view
-- unknown is NULL. Times are microseconds since the epoch in tables, UTC in ISO 8601 in views.
-- Ids are never used twice (AUTOINCREMENT), so that a reader may keep what it has read.

CREATE TABLE function(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	function TEXT NOT NULL, -- its own name, demangled
	module TEXT NOT NULL,   -- Python module, name of the ELF file, "kernel" or a kernel module
	file TEXT NOT NULL,     -- source file where known, else the path of the ELF file
	kind INTEGER NOT NULL,  -- enum frame_kind: 0 native, 1 kernel, 2 python
	-- How people see it.
	name TEXT AS (CASE
		WHEN substr(function, 1, 3) = '+0x' THEN module || function
		WHEN module = '' THEN iif(function = '', '[unknown]', function)
		ELSE iif(function = '', '[unknown]', function) || '(' || module || ')' END),
	kind_name TEXT AS (CASE kind WHEN 0 THEN 'native' WHEN 1 THEN 'kernel' ELSE 'python' END),
	UNIQUE(function, module, file, kind)
);

CREATE TABLE frame(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	function INTEGER NOT NULL, -- function.id
	line INTEGER NOT NULL,     -- 0: unknown
	build_id TEXT NOT NULL,    -- of the ELF file, lower-case hex
	offset INTEGER NOT NULL,   -- ELF address in that file, the 64 bits as a signed number
	UNIQUE(function, line, build_id, offset)
);

-- Stacks as a tree: a stack is the path from a root to one node, its leaf.
CREATE TABLE node(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	parent INTEGER NOT NULL, -- node.id of the caller, smaller than id; 0: a root
	frame INTEGER NOT NULL,  -- frame.id
	UNIQUE(parent, frame)
);

-- One image of a process: each execve makes a new row.
CREATE TABLE process(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	pid INTEGER NOT NULL,
	started INTEGER NOT NULL, -- of the process
	exec_id INTEGER NOT NULL, -- tells the images of one process apart
	uid INTEGER NOT NULL,     -- effective
	comm TEXT NOT NULL,
	exe TEXT NOT NULL,
	cmdline TEXT NOT NULL,
	user TEXT NOT NULL,       -- name of uid
	unit TEXT NOT NULL,       -- systemd unit
	cgroup TEXT NOT NULL,     -- path in the v2 hierarchy
	UNIQUE(pid, started, exec_id)
);

CREATE TABLE task(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	process INTEGER NOT NULL, -- process.id
	tid INTEGER NOT NULL,
	comm TEXT NOT NULL,       -- of the thread
	UNIQUE(process, tid, comm)
);

CREATE TABLE session(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	started INTEGER NOT NULL,
	ended INTEGER,                      -- NULL: still running
	mode TEXT NOT NULL,
	interval_ns INTEGER NOT NULL,       -- wanted between two samples of a CPU
	targets TEXT NOT NULL,              -- canonical texts, a space between
	owner INTEGER NOT NULL,             -- uid that began it
	samples INTEGER NOT NULL DEFAULT 0, -- sum of n over its rows in sample
	rolled INTEGER NOT NULL DEFAULT 0,  -- windows below this one are in sample_hour
	seen INTEGER NOT NULL DEFAULT 0     -- when it was last written to: its end, if nobody ends it
);

-- A row is what one thread did in one window of 10 s.
CREATE TABLE sample(
	session INTEGER NOT NULL, -- session.id
	t INTEGER NOT NULL,       -- window: 10 s since the start of the session
	task INTEGER NOT NULL,    -- task.id
	node INTEGER NOT NULL,    -- node.id of the leaf; 0: no stack could be read
	kind INTEGER NOT NULL,    -- kind of time: 0 on a CPU
	n INTEGER NOT NULL,       -- samples
	PRIMARY KEY(session, t, task, node, kind)
) WITHOUT ROWID;

-- The same, summed over each hour (360 windows) of the session, as far as session.rolled says.
CREATE TABLE sample_hour(
	session INTEGER NOT NULL,
	hour INTEGER NOT NULL, -- t / 360
	task INTEGER NOT NULL,
	node INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY(session, hour, task, node, kind)
) WITHOUT ROWID;

CREATE TABLE loss(
	session INTEGER NOT NULL,
	t INTEGER NOT NULL,   -- window, as in sample
	reason TEXT NOT NULL, -- enum ox_loss by name
	n INTEGER NOT NULL,   -- samples missing, whole or in part
	PRIMARY KEY(session, t, reason)
) WITHOUT ROWID;

-- ---- public from here on; the comments are kept in sqlite_schema (.schema shows them) ----

CREATE VIEW sessions AS SELECT
	id,          -- number of the session, never used twice
	strftime('%Y-%m-%dT%H:%M:%SZ', started / 1000000, 'unixepoch')
		AS started,  -- when it was unpaused, UTC
	strftime('%Y-%m-%dT%H:%M:%SZ', ended / 1000000, 'unixepoch')
		AS ended,    -- when it was paused, UTC; NULL: still running, or the daemon was killed
	mode,        -- cpu: samples of running threads
	interval_ns, -- wanted time between two samples of a CPU
	nullif(targets, '')
		AS targets,  -- what was chosen, a space between
	samples,     -- taken
	coalesce((SELECT sum(n) FROM loss WHERE loss.session = session.id AND reason NOT IN
		('kernel-stack', 'user-stack', 'stack-cut', 'stack-broken', 'gone')), 0)
		AS lost      -- samples missing (losses has the reasons, also of what is there in part)
FROM session;

CREATE VIEW processes AS SELECT
	pid,         -- as the daemon sees it
	strftime('%Y-%m-%dT%H:%M:%SZ', started / 1000000, 'unixepoch')
		AS started,  -- when the process began, UTC
	nullif(comm, '')
		AS comm,     -- its name, 15 bytes at most
	nullif(exe, '')
		AS exe,      -- path of the program
	nullif(cmdline, '')
		AS cmdline,  -- arguments, a space between
	nullif(user, '')
		AS user,     -- whose rights it has
	nullif(unit, '')
		AS unit,     -- systemd unit it belongs to
	nullif(cgroup, '')
		AS cgroup    -- path of its control group
FROM process;

CREATE VIEW functions AS
WITH RECURSIVE
	-- By leaf first: the walk to the root is then made once for each stack.
	hit(node, n) AS MATERIALIZED (
		SELECT node, sum(n) FROM (
			SELECT node, n FROM sample_hour
			UNION ALL
			SELECT sample.node, sample.n FROM session CROSS JOIN sample
				ON sample.session = session.id AND sample.t >= session.rolled)
		WHERE node > 0 GROUP BY node),
	walk(leaf, node, n) AS (
		SELECT node, node, n FROM hit
		UNION ALL
		SELECT leaf, node.parent, n FROM walk JOIN node ON node.id = walk.node
			WHERE node.parent > 0),
	-- A function that stands on a stack more than once counts once.
	total(function, n) AS MATERIALIZED (
		SELECT function, sum(n) FROM (
			SELECT DISTINCT walk.leaf, frame.function, walk.n FROM walk
				JOIN node ON node.id = walk.node
				JOIN frame ON frame.id = node.frame)
		GROUP BY function),
	self(function, n) AS MATERIALIZED (
		SELECT frame.function, sum(hit.n) FROM hit
			JOIN node ON node.id = hit.node
			JOIN frame ON frame.id = node.frame
		GROUP BY frame.function)
SELECT
	function.name AS name,      -- function(module)
	nullif(function.function, '')
		AS function,            -- its own name
	nullif(function.module, '')
		AS module,              -- where it belongs: Python module, ELF file, kernel
	nullif(function.file, '')
		AS file,                -- source file, else path of the ELF file
	function.kind_name AS kind, -- python, native or kernel
	coalesce(self.n, 0)
		AS self_hits,           -- samples in which it was running itself
	total.n AS total_hits       -- samples in which it was on the stack
FROM total JOIN function ON function.id = total.function
	LEFT JOIN self ON self.function = total.function;

CREATE VIEW history AS
WITH RECURSIVE
	-- The windows that have rows, found by one seek each.
	step(session, t) AS (
		SELECT id, (SELECT min(t) FROM sample WHERE sample.session = session.id)
			FROM session
		UNION ALL
		SELECT session, (SELECT min(t) FROM sample
				WHERE sample.session = step.session AND sample.t > step.t)
			FROM step WHERE t IS NOT NULL),
	slot(session, t, second) AS MATERIALIZED (
		SELECT step.session, step.t, session.started / 1000000 + step.t * 10
			FROM step JOIN session ON session.id = step.session
			WHERE step.t IS NOT NULL),
	walk(leaf, node) AS (
		SELECT id, id FROM node
		UNION ALL
		SELECT leaf, node.parent FROM walk JOIN node ON node.id = walk.node
			WHERE node.parent > 0),
	path(leaf, function, self) AS MATERIALIZED (
		SELECT walk.leaf, frame.function, max(walk.leaf = walk.node) FROM walk
			JOIN node ON node.id = walk.node
			JOIN frame ON frame.id = node.frame
		GROUP BY walk.leaf, frame.function)
SELECT
	strftime('%Y-%m-%dT%H:%M:%SZ', hit.second, 'unixepoch')
		AS time,                -- start of the window, UTC
	10 AS seconds,              -- length of the window
	hit.session AS session,     -- sessions.id
	process.pid AS pid,         -- processes.pid
	nullif(process.comm, '')
		AS comm,                -- name of the process
	nullif(process.unit, '')
		AS unit,                -- its systemd unit
	function.name AS name,      -- functions.name
	function.kind_name AS kind, -- python, native or kernel
	hit.self AS self_hits,      -- samples in which the function was running itself
	hit.total AS total_hits     -- samples in which it was on the stack
FROM (
	SELECT slot.session, slot.second, task.process, path.function,
		sum(sample.n * path.self) AS self, sum(sample.n) AS total
	-- In this order: what is asked about session and time is decided first.
	FROM slot CROSS JOIN sample ON sample.session = slot.session AND sample.t = slot.t
		CROSS JOIN task ON task.id = sample.task
		CROSS JOIN path ON path.leaf = sample.node
	GROUP BY slot.session, slot.second, task.process, path.function) AS hit
CROSS JOIN process ON process.id = hit.process
CROSS JOIN function ON function.id = hit.function;

CREATE VIEW stacks AS
WITH RECURSIVE
	step(session, t) AS (
		SELECT id, (SELECT min(t) FROM sample WHERE sample.session = session.id)
			FROM session
		UNION ALL
		SELECT session, (SELECT min(t) FROM sample
				WHERE sample.session = step.session AND sample.t > step.t)
			FROM step WHERE t IS NOT NULL),
	slot(session, t, second) AS MATERIALIZED (
		SELECT step.session, step.t, session.started / 1000000 + step.t * 10
			FROM step JOIN session ON session.id = step.session
			WHERE step.t IS NOT NULL),
	fold(node, text) AS MATERIALIZED (
		SELECT node.id, function.name FROM node
			JOIN frame ON frame.id = node.frame
			JOIN function ON function.id = frame.function
			WHERE node.parent = 0
		UNION ALL
		SELECT node.id, fold.text || ';' || function.name FROM fold
			JOIN node ON node.parent = fold.node
			JOIN frame ON frame.id = node.frame
			JOIN function ON function.id = frame.function)
SELECT
	strftime('%Y-%m-%dT%H:%M:%SZ', hit.second, 'unixepoch')
		AS time,            -- start of the window of 10 s, UTC
	hit.session AS session, -- sessions.id
	process.pid AS pid,     -- processes.pid
	nullif(process.comm, '')
		AS comm,            -- name of the process
	fold.text AS folded,    -- names from the root to the leaf, ';' between; NULL: not readable
	hit.n AS hits           -- samples of that stack
FROM (
	SELECT slot.session, slot.second, task.process, sample.node, sum(sample.n) AS n
	FROM slot CROSS JOIN sample ON sample.session = slot.session AND sample.t = slot.t
		CROSS JOIN task ON task.id = sample.task
	GROUP BY slot.session, slot.second, task.process, sample.node) AS hit
CROSS JOIN process ON process.id = hit.process
LEFT JOIN fold ON fold.node = hit.node;

CREATE VIEW losses AS SELECT
	strftime('%Y-%m-%dT%H:%M:%SZ', (session.started + loss.t * 10000000) / 1000000, 'unixepoch')
		AS time,    -- start of the window of 10 s, UTC
	loss.session AS session, -- sessions.id
	loss.reason AS reason,   -- why: one word
	loss.n AS count          -- samples missing, whole or in part
FROM loss JOIN session ON session.id = loss.session;
