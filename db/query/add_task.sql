-- SPDX-License-Identifier: MIT
INSERT INTO task(process, tid, comm) VALUES (?1, ?2, ?3) RETURNING id;
