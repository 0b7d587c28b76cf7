-- SPDX-License-Identifier: MIT
-- A session that is there from before: 1 id, 2 started, 3 owner
UPDATE session SET ended = NULL WHERE id = ?1 AND started = ?2 AND owner = ?3 RETURNING id;
