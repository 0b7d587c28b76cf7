-- SPDX-License-Identifier: MIT
-- The oldest window behind another one: 1 set, 2 window
SELECT coalesce(min(t), -1) FROM sample WHERE session_set = ?1 AND t > ?2;
