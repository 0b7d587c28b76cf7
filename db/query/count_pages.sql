-- SPDX-License-Identifier: MIT
-- The pages of the file, and those that are free in it
SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count;
