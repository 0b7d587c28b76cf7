-- SPDX-License-Identifier: MIT
-- Sets from above id 1 on, at most 2 of them, and the oldest window of each: NULL where it has none
SELECT id, (SELECT min(t) FROM sample WHERE sample.session_set = session_set.id)
FROM session_set WHERE id > ?1 ORDER BY id LIMIT ?2;
