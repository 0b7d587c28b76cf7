-- SPDX-License-Identifier: MIT
DELETE FROM function WHERE id = ?1;
