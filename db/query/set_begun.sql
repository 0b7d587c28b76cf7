-- SPDX-License-Identifier: MIT
UPDATE rollup SET begun = ?1;
