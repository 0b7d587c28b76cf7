-- SPDX-License-Identifier: MIT
SELECT id FROM session WHERE id = ?1;
