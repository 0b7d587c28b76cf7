-- SPDX-License-Identifier: MIT
-- Deletes at most so many rows of a window: 1 set, 2 window, 3 how many
DELETE FROM sample WHERE session_set = ?1 AND t = ?2 AND (task, node, kind) IN (
	SELECT task, node, kind FROM sample WHERE session_set = ?1 AND t = ?2
	ORDER BY task, node, kind LIMIT ?3)
RETURNING t;
