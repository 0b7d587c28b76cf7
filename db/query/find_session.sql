-- SPDX-License-Identifier: MIT
SELECT rolled FROM session WHERE id = ?1;
