/* SPDX-License-Identifier: MIT */
#include "daemon/base/parse.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "daemon/base/cleanup.h"

#define NANO_DIGITS   9
#define EXPONENT_MAX  9999 /* more makes no difference: 0 or out of range long before */
#define SPAN_MAX_USEC (UINT64_C(10) * 31557600 * 1000000)
#define SPACES        " \t\n\r"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int parse_u64(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	bool over = false;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (!is_digit(*text))
			return -EINVAL;
		over |= __builtin_mul_overflow(value, 10, &value);
		over |= __builtin_add_overflow(value, (unsigned)(*text - '0'), &value);
	}
	if (over || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int parse_word(const char *text, const char *const *words, size_t n, unsigned int *ret)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(text, words[i]) == 0) {
			*ret = (unsigned int)i;
			return 0;
		}
	return -EINVAL;
}

int parse_bool(const char *text, bool *ret)
{
	static const char *const words[][2] = {
		{"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};

	for (size_t i = 0; i < array_length(words); i++) {
		for (int value = 0; value < 2; value++) {
			if (strcasecmp(text, words[i][value]) == 0) {
				*ret = value;
				return 0;
			}
		}
	}
	return -EINVAL;
}

/* Digits behind the 19th carry nothing that a result in nanoseconds could show. */
struct decimal {
	uint64_t mantissa;
	int exponent;
	unsigned n_digits;
};

static const char *read_digits(const char *text, bool fraction, struct decimal *decimal)
{
	for (; is_digit(*text); text++) {
		decimal->n_digits++;
		if (decimal->mantissa < UINT64_MAX / 10 - 1) {
			decimal->mantissa = decimal->mantissa * 10 + (uint64_t)(*text - '0');
			decimal->exponent -= fraction;
		} else if (!fraction && decimal->exponent < EXPONENT_MAX) {
			decimal->exponent++;
		}
	}
	return text;
}

/* Reads what stands behind the 'e'. Returns the end of it, NULL where it is no exponent. */
static const char *read_exponent(const char *text, struct decimal *decimal)
{
	bool negative = *text == '-';
	int exponent = 0;

	if (*text == '-' || *text == '+')
		text++;
	if (!is_digit(*text))
		return NULL;
	for (; is_digit(*text); text++)
		if (exponent < EXPONENT_MAX)
			exponent = exponent * 10 + (*text - '0');
	decimal->exponent += negative ? -exponent : exponent;
	return text;
}

static int decimal_scale(const struct decimal *decimal, uint64_t *ret)
{
	uint64_t value = decimal->mantissa;
	int exponent = decimal->exponent;

	for (; exponent > 0 && value; exponent--)
		if (__builtin_mul_overflow(value, 10, &value))
			return -ERANGE;
	for (; exponent < -1 && value; exponent++)
		value /= 10;
	*ret = exponent < 0 ? (value + 5) / 10 : value;
	return 0;
}

/* Reads by hand: strtod() follows the locale, and takes "nan", "0x1" and spaces. The result is in
 * units of 1e-9. */
static int parse_nano(const char *text, uint64_t *ret)
{
	struct decimal decimal = {.exponent = NANO_DIGITS};
	bool negative = *text == '-';

	text = read_digits(text + negative, false, &decimal);
	if (*text == '.')
		text = read_digits(text + 1, true, &decimal);
	if (!decimal.n_digits)
		return -EINVAL;
	if (*text == 'e' || *text == 'E')
		text = read_exponent(text + 1, &decimal);
	if (!text || *text)
		return -EINVAL;
	if (negative && decimal.mantissa)
		return -ERANGE;
	return decimal_scale(&decimal, ret);
}

int parse_interval_ns(const char *text, uint64_t min_ns, uint64_t max_ns, uint64_t *ret)
{
	uint64_t ns;
	int r = parse_nano(text, &ns);

	assert(min_ns <= max_ns);
	if (r < 0)
		return r;
	if (ns < min_ns || ns > max_ns)
		return -ERANGE;
	*ret = ns;
	return 0;
}

int parse_frequency_ns(const char *text, uint64_t min_ns, uint64_t max_ns, uint64_t *ret)
{
	const uint64_t second = UINT64_C(1000000000000000000); /* in ns, times 1e9 */
	uint64_t nano_hz, ns;
	int r = parse_nano(text, &nano_hz);

	assert(min_ns <= max_ns);
	if (r < 0)
		return r;
	if (!nano_hz)
		return -ERANGE;
	ns = second / nano_hz + (second % nano_hz >= nano_hz - nano_hz / 2);
	if (ns < min_ns || ns > max_ns)
		return -ERANGE;
	*ret = ns;
	return 0;
}

int interval_from_seconds(double seconds, uint64_t min_ns, uint64_t max_ns, uint64_t *ret)
{
	double ns = seconds * 1e9 + 0.5;

	assert(min_ns <= max_ns);
	if (!isfinite(seconds))
		return -EINVAL;
	if (!(ns >= 0.5) || ns >= 0x1p63 || (uint64_t)ns < min_ns || (uint64_t)ns > max_ns)
		return -ERANGE;
	*ret = (uint64_t)ns;
	return 0;
}

static const struct {
	const char *name;
	uint64_t usec;
} spans[] = {
	{"", 1000000},         {"s", 1000000},           {"sec", 1000000},
	{"second", 1000000},   {"seconds", 1000000},     {"us", 1},
	{"usec", 1},           {"\xc2\xb5s", 1},         {"ms", 1000},
	{"msec", 1000},        {"m", 60000000},          {"min", 60000000},
	{"minute", 60000000},  {"minutes", 60000000},    {"h", 3600000000},
	{"hr", 3600000000},    {"hour", 3600000000},     {"hours", 3600000000},
	{"d", 86400000000},    {"day", 86400000000},     {"days", 86400000000},
	{"w", 604800000000},   {"week", 604800000000},   {"weeks", 604800000000},
	{"M", 2629800000000},  {"month", 2629800000000}, {"months", 2629800000000},
	{"y", 31557600000000}, {"year", 31557600000000}, {"years", 31557600000000},
};

static uint64_t find_span(const char *name, size_t length)
{
	for (size_t i = 0; i < array_length(spans); i++)
		if (strlen(spans[i].name) == length && memcmp(spans[i].name, name, length) == 0)
			return spans[i].usec;
	return 0;
}

/* Reads one "30min" or "1.5 h"; *text is left behind it and the spaces that follow. Returns 0,
 * -EINVAL, or -ERANGE. */
static int read_span_part(const char **text, uint64_t *ret)
{
	size_t whole = strspn(*text, "0123456789");
	const char *fraction = *text + whole + ((*text)[whole] == '.');
	size_t n_fraction = fraction == *text + whole ? 0 : strspn(fraction, "0123456789");
	const char *unit = fraction + n_fraction + strspn(fraction + n_fraction, SPACES);
	size_t length = strcspn(unit, SPACES "0123456789.");
	uint64_t usec = find_span(unit, length), sum = 0, digit = usec;

	if (!usec || (n_fraction ? 0 : !whole || (*text)[whole] == '.'))
		return -EINVAL;
	for (size_t i = 0; i < whole; i++)
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, (unsigned)((*text)[i] - '0'), &sum))
			return -ERANGE;
	if (__builtin_mul_overflow(sum, usec, &sum) || sum > SPAN_MAX_USEC)
		return -ERANGE;
	for (size_t i = 0; i < n_fraction; i++)
		sum += (digit /= 10) * (uint64_t)(fraction[i] - '0');
	*text = unit + length + strspn(unit + length, SPACES);
	*ret = sum;
	return 0;
}

int parse_span_usec(const char *text, uint64_t *ret)
{
	uint64_t sum = 0;

	text += strspn(text, SPACES);
	if (!*text)
		return -EINVAL;
	while (*text) {
		uint64_t part;
		int r = read_span_part(&text, &part);

		if (r < 0)
			return r;
		sum += part; /* cannot overflow: each part is bounded, and so is the sum */
		if (sum > SPAN_MAX_USEC)
			return -ERANGE;
	}
	if (!sum)
		return -ERANGE;
	*ret = sum;
	return 0;
}

int parse_percent(const char *text, uint64_t *ret)
{
	size_t length = strspn(text, "0123456789");
	char digits[24];
	uint64_t value;
	int r;

	if (!length || strcmp(text + length, "%") != 0)
		return -EINVAL;
	if (length >= sizeof(digits))
		return -ERANGE;
	memcpy(digits, text, length);
	digits[length] = '\0';
	r = parse_u64(digits, 99, &value);
	if (r < 0 || !value)
		return r < 0 ? r : -ERANGE;
	*ret = value;
	return 0;
}

int parse_bytes(const char *text, uint64_t *ret)
{
	static const char suffixes[] = "KMGTPE";
	size_t length = strspn(text, "0123456789");
	const char *suffix = text[length] ? strchr(suffixes, text[length]) : NULL;
	unsigned shift = suffix ? 10 * (unsigned)(suffix - suffixes + 1) : 0;
	char digits[24];
	uint64_t value;
	int r;

	if (!length || (text[length] && (!suffix || text[length + 1])))
		return -EINVAL;
	if (length >= sizeof(digits))
		return -ERANGE;
	memcpy(digits, text, length);
	digits[length] = '\0';
	r = parse_u64(digits, UINT64_MAX >> shift, &value);
	if (r < 0)
		return r;
	*ret = value << shift;
	return 0;
}
