-- SPDX-License-Identifier: MIT
-- 1 id, 2 ended. The clock may have been set back since it started.
UPDATE session SET ended = max(?2, started) WHERE id = ?1 RETURNING id;
