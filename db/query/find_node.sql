-- SPDX-License-Identifier: MIT
-- 1 parent, 2 frame
SELECT id FROM node WHERE parent = ?1 AND frame = ?2;
