-- SPDX-License-Identifier: MIT
-- 1 the first id
SELECT frame.id, kind, function, module, file, build_id, line, offset
FROM (SELECT id, function AS function_id, line, build_id, offset FROM frame WHERE id >= ?1) AS frame
JOIN function ON function.id = function_id
ORDER BY frame.id;
