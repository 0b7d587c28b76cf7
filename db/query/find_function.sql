-- SPDX-License-Identifier: MIT
-- 1 function, 2 module, 3 file, 4 kind
SELECT id FROM function WHERE function = ?1 AND module = ?2 AND file = ?3 AND kind = ?4;
