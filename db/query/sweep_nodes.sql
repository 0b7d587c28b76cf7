-- SPDX-License-Identifier: MIT
-- Children come before their parents. The columns of each sweep: the id, and the ids of the one or
-- two rows that it refers to.
SELECT id, parent, frame FROM node ORDER BY id DESC;
