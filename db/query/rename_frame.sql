-- SPDX-License-Identifier: MIT
-- 1 id, 2 function, 3 line
UPDATE frame SET function = ?2, line = ?3 WHERE id = ?1;
