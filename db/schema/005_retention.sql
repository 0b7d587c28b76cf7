-- SPDX-License-Identifier: MIT
--
-- Version 5: the oldest windows are deleted where the database has reached its size. A session stays
-- with its sums: what was lost in windows that are gone is kept here.

CREATE TABLE lost(
	session INTEGER NOT NULL, -- session.id
	reason TEXT NOT NULL,     -- as in loss
	n INTEGER NOT NULL,       -- sum of n over the rows of loss that were deleted
	PRIMARY KEY(session, reason)
) WITHOUT ROWID;

-- Windows below this one are in no hour: of an hour whose windows are being deleted they alone say what
-- is left. The begin of an hour; rows of sample_hour below it are not to be read.
ALTER TABLE rollup ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;

DROP VIEW sessions;
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
	samples,     -- taken; those of its oldest windows may have been deleted since
	coalesce((SELECT sum(n) FROM (
			SELECT reason, n FROM loss WHERE loss.session = session.id
			UNION ALL
			SELECT reason, n FROM lost WHERE lost.session = session.id)
		WHERE reason NOT IN
		('kernel-stack', 'user-stack', 'stack-cut', 'stack-broken', 'no-table', 'no-rule',
		'gone', 'python-broken', 'python-name', 'limit')), 0)
		AS lost,     -- samples missing (losses has the reasons, also of what is there in part)
	owner        -- uid of the user who began it
FROM session;

DROP VIEW functions;
CREATE VIEW functions AS
WITH RECURSIVE
	-- By leaf first: the walk to the root is then made once for each stack.
	hit(node, n) AS MATERIALIZED (
		SELECT node, sum(n) FROM (
			SELECT node, n FROM rollup JOIN sample_hour ON hour >= rollup.begun / 360
			UNION ALL
			SELECT sample.node, sample.n FROM rollup CROSS JOIN session_set CROSS JOIN sample
				ON sample.session_set = session_set.id AND sample.t < rollup.begun
			UNION ALL
			SELECT sample.node, sample.n FROM rollup CROSS JOIN session_set CROSS JOIN sample
				ON sample.session_set = session_set.id
				AND sample.t >= max(rollup.rolled, rollup.begun))
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
