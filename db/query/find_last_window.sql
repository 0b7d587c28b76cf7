-- SPDX-License-Identifier: MIT
-- 1 session. -1: it has no row.
SELECT coalesce(max(t), -1) FROM sample WHERE session = ?1;
