-- SPDX-License-Identifier: MIT
-- 1 owner. One that runs comes before those that have ended.
SELECT coalesce((SELECT max(id) FROM session WHERE owner = ?1 AND ended IS NULL),
	(SELECT max(id) FROM session WHERE owner = ?1)) AS last
WHERE last IS NOT NULL;
