-- SPDX-License-Identifier: MIT
DELETE FROM node WHERE id = ?1;
