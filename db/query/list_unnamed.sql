-- SPDX-License-Identifier: MIT
-- Of the frames from id 1 to below 2 those without a name that a debug file may give one
SELECT frame.id, module, file, build_id, offset
FROM frame CROSS JOIN function ON function.id = frame.function
WHERE frame.id >= ?1 AND frame.id < ?2
	AND kind = 0 AND substr(function.function, 1, 3) = '+0x' AND build_id <> ''
ORDER BY frame.id;
