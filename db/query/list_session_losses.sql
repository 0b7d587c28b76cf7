-- SPDX-License-Identifier: MIT
-- 1 session
SELECT reason, sum(n) FROM loss WHERE session = ?1 GROUP BY reason;
