-- SPDX-License-Identifier: MIT
INSERT INTO function(function, module, file, kind) VALUES (?1, ?2, ?3, ?4) RETURNING id;
