-- SPDX-License-Identifier: MIT
DELETE FROM task WHERE id = ?1;
