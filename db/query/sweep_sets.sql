-- SPDX-License-Identifier: MIT
SELECT id FROM session_set;
