-- SPDX-License-Identifier: MIT
-- What came since the last time: 1 id, 2 samples, 3 rolled
UPDATE session SET samples = samples + ?2, rolled = ?3 WHERE id = ?1;
