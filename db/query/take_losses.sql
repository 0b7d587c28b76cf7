-- SPDX-License-Identifier: MIT
-- 1 session, 2 window
DELETE FROM loss WHERE session = ?1 AND t = ?2 RETURNING reason, n;
