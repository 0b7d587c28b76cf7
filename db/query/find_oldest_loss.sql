-- SPDX-License-Identifier: MIT
-- Likewise: 1 session, 2 window
SELECT coalesce(min(t), -1) FROM loss WHERE session = ?1 AND t > ?2;
