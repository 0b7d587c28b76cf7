-- SPDX-License-Identifier: MIT
INSERT INTO frame(function, line, build_id, offset) VALUES (?1, ?2, ?3, ?4) RETURNING id;
