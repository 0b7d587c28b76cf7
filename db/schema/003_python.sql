-- SPDX-License-Identifier: MIT
--
-- Version 3: Python frames. Two more reasons of a stack that is there in part.

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
	samples,     -- taken
	coalesce((SELECT sum(n) FROM loss WHERE loss.session = session.id AND reason NOT IN
		('kernel-stack', 'user-stack', 'stack-cut', 'stack-broken', 'no-table', 'no-rule',
		'gone', 'python-broken', 'python-name')), 0)
		AS lost      -- samples missing (losses has the reasons, also of what is there in part)
FROM session;
