-- SPDX-License-Identifier: MIT
SELECT rolled FROM rollup;
