-- SPDX-License-Identifier: MIT
-- The columns of list_sessions.sql
SELECT id, started, ended, mode, interval_ns, targets, owner, samples FROM session
WHERE ended IS NULL ORDER BY id;
