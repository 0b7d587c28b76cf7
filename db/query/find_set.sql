-- SPDX-License-Identifier: MIT
-- 1 the sessions, ascending, a space between
SELECT id FROM session_set WHERE sessions = ?1;
