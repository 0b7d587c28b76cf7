-- SPDX-License-Identifier: MIT
--
-- Version 4: sessions side by side. A sample that several sessions took is one row: it bears the set
-- of them. Windows lie on one grid for all, 10 s each since the epoch; which of them are asked for,
-- summed up or deleted is told by their numbers alone, whatever the clock did while a session ran.
-- A process says whose it was at its samples.

DROP VIEW sessions;
DROP VIEW processes;
DROP VIEW functions;
DROP VIEW history;
DROP VIEW stacks;
DROP VIEW losses;

ALTER TABLE session RENAME TO session_old;
CREATE TABLE session(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	started INTEGER NOT NULL,
	ended INTEGER,                      -- NULL: still running
	mode TEXT NOT NULL,
	interval_ns INTEGER NOT NULL,       -- wanted between two samples of a CPU
	targets TEXT NOT NULL,              -- canonical texts, a space between
	owner INTEGER NOT NULL,             -- uid that began it
	samples INTEGER NOT NULL DEFAULT 0, -- sum of n over the rows of its sets, as they were added
	seen INTEGER NOT NULL DEFAULT 0     -- when it was last written to: its end, if nobody ends it
);
INSERT INTO session(id, started, ended, mode, interval_ns, targets, owner, samples, seen)
	SELECT id, started, ended, mode, interval_ns, targets, owner, samples, seen
	FROM session_old ORDER BY id;
CREATE INDEX session_owner ON session(owner);
CREATE INDEX session_running ON session(owner) WHERE ended IS NULL;

-- The sessions that took the same samples.
CREATE TABLE session_set(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	sessions TEXT NOT NULL UNIQUE -- session.id, ascending, a space between
);
CREATE TABLE member(
	session INTEGER NOT NULL,     -- session.id
	session_set INTEGER NOT NULL, -- session_set.id
	PRIMARY KEY(session, session_set)
) WITHOUT ROWID;
CREATE INDEX member_set ON member(session_set);
INSERT INTO session_set(id, sessions) SELECT id, id FROM session_old ORDER BY id;
INSERT INTO member(session, session_set) SELECT id, id FROM session_old;

-- A row is what one thread did in one window.
ALTER TABLE sample RENAME TO sample_old;
CREATE TABLE sample(
	session_set INTEGER NOT NULL, -- session_set.id
	t INTEGER NOT NULL,           -- window: 10 s since the epoch
	task INTEGER NOT NULL,        -- task.id
	node INTEGER NOT NULL,        -- node.id of the leaf; 0: no stack could be read
	kind INTEGER NOT NULL,        -- kind of time: 0 on a CPU
	n INTEGER NOT NULL,           -- samples
	PRIMARY KEY(session_set, t, task, node, kind)
) WITHOUT ROWID;
INSERT INTO sample(session_set, t, task, node, kind, n)
	SELECT session, started / 10000000 + t, task, node, kind, n
	FROM session_old CROSS JOIN sample_old ON sample_old.session = session_old.id;
DROP TABLE sample_old;

-- The same, summed over each hour (360 windows), as far as rollup says.
DROP TABLE sample_hour;
CREATE TABLE sample_hour(
	session_set INTEGER NOT NULL,
	hour INTEGER NOT NULL, -- t / 360
	task INTEGER NOT NULL,
	node INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY(session_set, hour, task, node, kind)
) WITHOUT ROWID;
-- Not by GROUP BY, which would sort all rows in memory.
INSERT INTO sample_hour(session_set, hour, task, node, kind, n)
	SELECT session_set, t / 360, task, node, kind, n FROM sample WHERE true
	ON CONFLICT DO UPDATE SET n = n + excluded.n;

-- One row.
CREATE TABLE rollup(
	rolled INTEGER NOT NULL -- windows below this one are in sample_hour
);
INSERT INTO rollup(rolled) SELECT coalesce(max(
		(SELECT max(t) FROM sample WHERE session_set = session_set.id)) + 1, 0)
	FROM session_set;

ALTER TABLE loss RENAME TO loss_old;
CREATE TABLE loss(
	session INTEGER NOT NULL, -- session.id
	t INTEGER NOT NULL,       -- window, as in sample
	reason TEXT NOT NULL,     -- enum ox_loss by name
	n INTEGER NOT NULL,       -- samples missing, whole or in part
	PRIMARY KEY(session, t, reason)
) WITHOUT ROWID;
INSERT INTO loss(session, t, reason, n)
	SELECT session, started / 10000000 + t, reason, n
	FROM session_old CROSS JOIN loss_old ON loss_old.session = session_old.id;
DROP TABLE loss_old;
DROP TABLE session_old;

-- One image of a process, as one owner's: each execve makes a new row, and so does a change of ids.
ALTER TABLE process RENAME TO process_old;
CREATE TABLE process(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	pid INTEGER NOT NULL,
	started INTEGER NOT NULL, -- of the process
	exec_id INTEGER NOT NULL, -- tells the images of one process apart
	uid INTEGER NOT NULL,     -- effective
	owner INTEGER NOT NULL,   -- uid whose own it was; -1: nobody's
	comm TEXT NOT NULL,
	exe TEXT NOT NULL,
	cmdline TEXT NOT NULL,
	user TEXT NOT NULL,       -- name of uid
	unit TEXT NOT NULL,       -- systemd unit
	cgroup TEXT NOT NULL,     -- path in the v2 hierarchy
	UNIQUE(pid, started, exec_id, uid, owner)
);
INSERT INTO process(id, pid, started, exec_id, uid, owner, comm, exe, cmdline, user, unit, cgroup)
	SELECT id, pid, started, exec_id, uid, uid, comm, exe, cmdline, user, unit, cgroup
	FROM process_old ORDER BY id;
DROP TABLE process_old;
CREATE INDEX process_owner ON process(owner);

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
		('kernel-stack', 'user-stack', 'stack-cut', 'stack-broken', 'no-table', 'no-rule',
		'gone', 'python-broken', 'python-name', 'limit')), 0)
		AS lost,     -- samples missing (losses has the reasons, also of what is there in part)
	owner        -- uid of the user who began it
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
		AS cgroup,   -- path of its control group
	nullif(owner, -1)
		AS owner     -- uid of the user whose own it was; NULL: nobody's (set-uid, not dumpable)
FROM process;

CREATE VIEW functions AS
WITH RECURSIVE
	-- By leaf first: the walk to the root is then made once for each stack.
	hit(node, n) AS MATERIALIZED (
		SELECT node, sum(n) FROM (
			SELECT node, n FROM sample_hour
			UNION ALL
			SELECT sample.node, sample.n FROM rollup CROSS JOIN session_set CROSS JOIN sample
				ON sample.session_set = session_set.id AND sample.t >= rollup.rolled)
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
	step(session_set, t) AS (
		SELECT id, (SELECT min(t) FROM sample WHERE sample.session_set = session_set.id)
			FROM session_set
		UNION ALL
		SELECT session_set, (SELECT min(t) FROM sample
				WHERE sample.session_set = step.session_set AND sample.t > step.t)
			FROM step WHERE t IS NOT NULL),
	-- The text of a set begins with its smallest session.
	slot(session_set, t, second, session, sessions) AS MATERIALIZED (
		SELECT step.session_set, step.t, step.t * 10, CAST(sessions AS INTEGER), sessions
			FROM step JOIN session_set ON session_set.id = step.session_set
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
	hit.session AS session,     -- sessions.id, the smallest of those that took it
	process.pid AS pid,         -- processes.pid
	nullif(process.comm, '')
		AS comm,                -- name of the process
	nullif(process.unit, '')
		AS unit,                -- its systemd unit
	function.name AS name,      -- functions.name
	function.kind_name AS kind, -- python, native or kernel
	hit.self AS self_hits,      -- samples in which the function was running itself
	hit.total AS total_hits,    -- samples in which it was on the stack
	hit.sessions AS sessions    -- all that took it, a space between; each hit is one row's
FROM (
	SELECT slot.session, slot.sessions, slot.second, task.process, path.function,
		sum(sample.n * path.self) AS self, sum(sample.n) AS total
	-- In this order: what is asked about session and time is decided first.
	FROM slot CROSS JOIN sample ON sample.session_set = slot.session_set AND sample.t = slot.t
		CROSS JOIN task ON task.id = sample.task
		CROSS JOIN path ON path.leaf = sample.node
	GROUP BY slot.session, slot.sessions, slot.second, task.process, path.function) AS hit
CROSS JOIN process ON process.id = hit.process
CROSS JOIN function ON function.id = hit.function;

CREATE VIEW stacks AS
WITH RECURSIVE
	step(session_set, t) AS (
		SELECT id, (SELECT min(t) FROM sample WHERE sample.session_set = session_set.id)
			FROM session_set
		UNION ALL
		SELECT session_set, (SELECT min(t) FROM sample
				WHERE sample.session_set = step.session_set AND sample.t > step.t)
			FROM step WHERE t IS NOT NULL),
	-- The text of a set begins with its smallest session.
	slot(session_set, t, second, session, sessions) AS MATERIALIZED (
		SELECT step.session_set, step.t, step.t * 10, CAST(sessions AS INTEGER), sessions
			FROM step JOIN session_set ON session_set.id = step.session_set
			WHERE step.t IS NOT NULL),
	fold(node, text) AS MATERIALIZED (
		SELECT node.id, replace(function.name, ';', ':') FROM node
			JOIN frame ON frame.id = node.frame
			JOIN function ON function.id = frame.function
			WHERE node.parent = 0
		UNION ALL
		SELECT node.id, fold.text || ';' || replace(function.name, ';', ':') FROM fold
			JOIN node ON node.parent = fold.node
			JOIN frame ON frame.id = node.frame
			JOIN function ON function.id = frame.function)
SELECT
	strftime('%Y-%m-%dT%H:%M:%SZ', hit.second, 'unixepoch')
		AS time,            -- start of the window of 10 s, UTC
	hit.session AS session, -- sessions.id, the smallest of those that took it
	process.pid AS pid,     -- processes.pid
	nullif(process.comm, '')
		AS comm,            -- name of the process
	fold.text AS folded,    -- names from the root to the leaf, ';' between (in a name it is ':');
	                        -- NULL: not readable
	hit.n AS hits,          -- samples of that stack
	hit.sessions AS sessions -- all that took it, a space between; each hit is one row's
FROM (
	SELECT slot.session, slot.sessions, slot.second, task.process, sample.node,
		sum(sample.n) AS n
	FROM slot CROSS JOIN sample ON sample.session_set = slot.session_set AND sample.t = slot.t
		CROSS JOIN task ON task.id = sample.task
	GROUP BY slot.session, slot.sessions, slot.second, task.process, sample.node) AS hit
CROSS JOIN process ON process.id = hit.process
LEFT JOIN fold ON fold.node = hit.node;

CREATE VIEW losses AS SELECT
	strftime('%Y-%m-%dT%H:%M:%SZ', loss.t * 10, 'unixepoch')
		AS time,    -- start of the window of 10 s, UTC
	session,    -- sessions.id
	reason,     -- why: one word
	n AS count  -- samples missing, whole or in part
FROM loss;
