-- SPDX-License-Identifier: MIT
-- 1 the first id
SELECT id, parent, frame FROM node WHERE id >= ?1 ORDER BY id;
