-- SPDX-License-Identifier: MIT
DELETE FROM frame WHERE id = ?1;
