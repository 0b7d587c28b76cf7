-- SPDX-License-Identifier: MIT
SELECT id FROM function;
