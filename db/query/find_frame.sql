-- SPDX-License-Identifier: MIT
-- 1 function, 2 line, 3 build_id, 4 offset
SELECT id FROM frame WHERE function = ?1 AND line = ?2 AND build_id = ?3 AND offset = ?4
ORDER BY id LIMIT 1;
