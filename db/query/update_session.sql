-- SPDX-License-Identifier: MIT
-- What came since the last time: 1 id, 2 samples, 3 rolled, 4 now
UPDATE session SET samples = samples + ?2, rolled = ?3, seen = ?4 WHERE id = ?1;
