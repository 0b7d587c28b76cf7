-- SPDX-License-Identifier: MIT
-- Counts what came since the last time in each session of a set: 1 set, 2 samples, 3 now
UPDATE session SET samples = samples + ?2, seen = ?3
WHERE id IN (SELECT session FROM member WHERE session_set = ?1);
