-- SPDX-License-Identifier: MIT
DELETE FROM session_set WHERE id = ?1;
