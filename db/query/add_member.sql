-- SPDX-License-Identifier: MIT
-- 1 session, 2 set. Returns nothing where there is no such session.
INSERT INTO member(session, session_set) SELECT id, ?2 FROM session WHERE id = ?1
RETURNING session;
