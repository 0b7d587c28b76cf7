-- SPDX-License-Identifier: MIT
--
-- Version 2: names that come later. A frame without a name, "+0x1234", may be given its function
-- and line when a debug file has appeared; it may then be equal to a frame that is there already,
-- and both stay: nodes and samples refer to each, and views and questions sum by function. So what
-- was UNIQUE is an index now. A frame is found by its content all the same; of equal ones the
-- smallest id is meant.

CREATE TABLE frame_copy AS SELECT id, function, line, build_id, offset FROM frame;
DROP TABLE frame;
CREATE TABLE frame(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	function INTEGER NOT NULL, -- function.id
	line INTEGER NOT NULL,     -- 0: unknown
	build_id TEXT NOT NULL,    -- of the ELF file, lower-case hex
	offset INTEGER NOT NULL    -- ELF address in that file, the 64 bits as a signed number: of the
	                           -- function; of the very instruction where that had no name at first
);
INSERT INTO frame(id, function, line, build_id, offset)
	SELECT id, function, line, build_id, offset FROM frame_copy ORDER BY id;
DROP TABLE frame_copy;
CREATE INDEX frame_content ON frame(function, line, build_id, offset);

-- Two more reasons of a stack that is there in part.
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
		'gone')), 0)
		AS lost      -- samples missing (losses has the reasons, also of what is there in part)
FROM session;
