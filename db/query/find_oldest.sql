-- SPDX-License-Identifier: MIT
SELECT coalesce(min(oldest), -1) FROM (
	SELECT (SELECT min(t) FROM sample WHERE sample.session_set = session_set.id) AS oldest
	FROM session_set);
