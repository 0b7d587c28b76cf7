-- SPDX-License-Identifier: MIT
-- One that nobody ended, and when it was last written to: in its last window.
SELECT id, min(iif(seen > started, seen, 1 << 62), coalesce(10000000 * (1 + (
	SELECT max(t) FROM (
		SELECT (SELECT max(t) FROM sample WHERE sample.session_set = member.session_set) AS t
			FROM member WHERE member.session = session.id
		UNION ALL
		SELECT max(t) FROM loss WHERE loss.session = session.id))), started))
FROM session WHERE ended IS NULL ORDER BY id LIMIT 1;
