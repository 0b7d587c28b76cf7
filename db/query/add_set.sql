-- SPDX-License-Identifier: MIT
-- 1 the sessions, ascending, a space between
INSERT INTO session_set(sessions) VALUES (?1) RETURNING id;
