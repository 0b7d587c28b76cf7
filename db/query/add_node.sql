-- SPDX-License-Identifier: MIT
INSERT INTO node(parent, frame) VALUES (?1, ?2) RETURNING id;
