-- SPDX-License-Identifier: MIT
SELECT id, process FROM task;
