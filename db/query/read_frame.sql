-- SPDX-License-Identifier: MIT
-- 1 the id; the columns of list_frames.sql, and the function's id
SELECT frame.id, kind, function.function, module, file, build_id, line, offset, function.id
FROM frame JOIN function ON function.id = frame.function
WHERE frame.id = ?1;
