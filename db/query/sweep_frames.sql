-- SPDX-License-Identifier: MIT
SELECT id, function FROM frame;
