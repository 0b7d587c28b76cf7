-- SPDX-License-Identifier: MIT
UPDATE rollup SET rolled = ?1;
