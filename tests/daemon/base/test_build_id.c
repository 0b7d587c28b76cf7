/* SPDX-License-Identifier: MIT */
#include "daemon/base/build_id.h"

#include <criterion/criterion.h>
#include <string.h>

Test(build_id, is_lower_case_hex)
{
	static const uint8_t id[BUILD_ID_BYTES] = {0x00, 0xab, 0x0c, 0xff};
	char text[BUILD_ID_TEXT_BYTES] = "before";

	build_id_format(id, 4, text);
	cr_expect_str_eq(text, "00ab0cff");
	build_id_format(id, 0, text);
	cr_expect_str_eq(text, "");
}

Test(build_id, the_longest_fits)
{
	uint8_t id[BUILD_ID_BYTES + 1];
	char text[BUILD_ID_TEXT_BYTES + 1] = "";

	memset(id, 0xee, sizeof(id));
	text[BUILD_ID_TEXT_BYTES] = '!';
	build_id_format(id, BUILD_ID_BYTES, text);
	cr_expect_eq(strlen(text), 2 * BUILD_ID_BYTES);
	/* One that is too long is cut, whoever lets it in. */
	build_id_format(id, sizeof(id), text);
	cr_expect_eq(strlen(text), 2 * BUILD_ID_BYTES);
	cr_expect_eq(text[BUILD_ID_TEXT_BYTES], '!');
}
