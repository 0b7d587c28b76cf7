-- SPDX-License-Identifier: MIT
-- One that nobody ended, and when it was last written to: in its last window.
SELECT id, min(iif(seen > started, seen, 1 << 62), started + 10000000 * (1 + max(
	coalesce((SELECT max(t) FROM sample WHERE sample.session = session.id), -1),
	coalesce((SELECT max(t) FROM loss WHERE loss.session = session.id), -1))))
FROM session WHERE ended IS NULL ORDER BY id LIMIT 1;
