-- SPDX-License-Identifier: MIT
-- 1 set
DELETE FROM member WHERE session_set = ?1;
