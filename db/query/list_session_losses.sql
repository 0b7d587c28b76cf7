-- SPDX-License-Identifier: MIT
-- 1 session
SELECT reason, sum(n) FROM (
	SELECT reason, n FROM loss WHERE session = ?1
	UNION ALL
	SELECT reason, n FROM lost WHERE session = ?1)
GROUP BY reason;
