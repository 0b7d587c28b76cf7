-- SPDX-License-Identifier: MIT
SELECT rolled, begun FROM rollup;
