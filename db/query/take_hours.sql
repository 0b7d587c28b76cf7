-- SPDX-License-Identifier: MIT
-- Deletes at most so many rows of the hours up to that of a window: 1 set, 2 window, 3 how many
DELETE FROM sample_hour WHERE session_set = ?1 AND (hour, task, node, kind) IN (
	SELECT hour, task, node, kind FROM sample_hour WHERE session_set = ?1 AND hour <= ?2 / 360
	ORDER BY hour, task, node, kind LIMIT ?3)
RETURNING hour;
