-- SPDX-License-Identifier: MIT
-- Likewise sessions and the oldest window of their losses
SELECT id, (SELECT min(t) FROM loss WHERE loss.session = session.id)
FROM session WHERE id > ?1 ORDER BY id LIMIT ?2;
