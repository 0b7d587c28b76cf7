-- SPDX-License-Identifier: MIT
DELETE FROM process WHERE id = ?1;
