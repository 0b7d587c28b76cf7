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
		'gone', 'python-broken', 'python-name')), 0)
		AS lost,     -- samples missing (losses has the reasons, also of what is there in part)
	owner        -- uid of the user who began it
FROM session;
