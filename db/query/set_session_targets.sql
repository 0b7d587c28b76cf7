-- SPDX-License-Identifier: MIT
-- 1 id, 2 targets
UPDATE session SET targets = ?2 WHERE id = ?1 RETURNING id;
