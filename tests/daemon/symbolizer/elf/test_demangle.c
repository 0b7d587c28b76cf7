/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/elf/demangle.h"

static void assert_demangles(const char *name, const char *wanted)
{
	char text[256] = "untouched";

	cr_assert(eq(int, demangle(name, text, sizeof(text)), 1), "%s", name);
	cr_assert(eq(str, text, (char *)wanted));
}

Test(demangle, cplusplus_without_parameters)
{
	assert_demangles("_Z3fooi", "foo");
	assert_demangles("_ZN3foo3barEPKcm", "foo::bar");
	assert_demangles("_ZNSt6vectorIiSaIiEE9push_backERKi",
			 "std::vector<int, std::allocator<int> >::push_back");
	assert_demangles("_ZN12_GLOBAL__N_14leafEv", "(anonymous namespace)::leaf");
	assert_demangles("_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()");
	assert_demangles("_ZN3fooC1Ev", "foo::foo");
}

Test(demangle, rust_without_hash)
{
	assert_demangles("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
			 "core::fmt::Formatter::pad");
	assert_demangles("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$"
			 "$GT$3bar17h930b740aa94f1d3aE",
			 "<Test + 'static as foo::Bar<Test>>::bar");
	assert_demangles("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar");
	assert_demangles("_RNvC7mycrateu8gdel_5qa", "mycrate::g\xc3\xb6"
						    "del");
	/* "u3" of a hash looks like the beginning of an identifier that is not ASCII. */
	assert_demangles("_RNvNtCslNYArtu3iFV_5alloc3fmt6format", "alloc::fmt::format");
	assert_demangles("_RINvMNtCslNYArtu3iFV_5alloc5sliceSh8into_vecNtNtB5_5alloc6GlobalEB5_",
			 "<[u8]>::into_vec::<alloc::alloc::Global>");
}

Test(demangle, leaves_other_names_alone)
{
	static const char *const names[] = {"",
					    "_",
					    "_Z",
					    "_R",
					    "main",
					    "_ZZ",
					    "_Zfoo",
					    "_ZN3foo",
					    "Z3foov",
					    "_Rust_thing",
					    "_Z99999999999999999999foo"};
	char text[16] = "untouched";

	for (size_t i = 0; i < array_length(names); i++) {
		cr_assert(eq(int, demangle(names[i], text, sizeof(text)), 0), "%s", names[i]);
		cr_assert(eq(str, text, "untouched"));
	}
}

Test(demangle, cuts_at_the_size)
{
	char text[8] = "";

	cr_assert(eq(int, demangle("_ZN6abcdef6ghijklEv", text, sizeof(text)), 1));
	cr_assert(eq(str, text, "abcdef:"));
	cr_assert(eq(int, demangle("_Z3foov", text, 1), 1));
	cr_assert(eq(str, text, ""));
	cr_assert(eq(int, demangle("_Z3foov", text, 0), 0));
}

/* Makes f<P<P<P<int, int>, P<int, int>>, ...>>: each level has the one below it twice. S_ is f, S0_
 * is P, S1_ the innermost. */
static void make_doubling_cplusplus(char *ret, unsigned int depth)
{
	char reference[] = "ESx_";

	strcpy(ret, "_Z1fI1pI");
	for (unsigned int i = 0; i < depth; i++)
		strcat(ret, "S0_I");
	strcat(ret, "ii");
	for (unsigned int i = 0; i < depth; i++) {
		reference[2] = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i];
		strcat(ret, reference);
	}
	strcat(ret, "EEvv");
}

/* Makes a tuple of a tuple and itself, by references back to where it stands in the name. */
static void make_doubling_rust(char *ret, const char *begin, unsigned int depth)
{
	char *at = ret + sprintf(ret, "%s", begin);
	char tail[512] = "";

	for (unsigned int i = 0; i < depth; i++) {
		unsigned int position =
			at + 1 - (ret + 2); /* position of the tuple inside this one */
		char reference[16];

		*at++ = 'T';
		/* The reference is position - 1 in base 62. */
		sprintf(reference, "B%c%c_E", '0' + (position - 1) / 62,
			"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				[(position - 1) % 62]);
		memmove(tail + strlen(reference), tail, strlen(tail) + 1);
		memcpy(tail, reference, strlen(reference));
	}
	sprintf(at, "TllE%sE", tail);
}

/* The result is that of the bound that was exceeded: output, which is counted, or time. */
Test(demangle, output_that_explodes_is_given_up)
{
	char name[1024], text[64] = "untouched";

	make_doubling_rust(name, "_RINvC1a1f", 3);
	cr_assert(eq(int, demangle(name, text, sizeof(text)), 1), "%s is well formed", name);
	make_doubling_rust(name, "_RINvC1a1f", 40);
	strcpy(text, "untouched");
	cr_assert(eq(int, demangle(name, text, sizeof(text)), -E2BIG), "%s", name);
	cr_assert(eq(str, text, "untouched"));
	/* The identifier of this name takes memory. */
	make_doubling_rust(name, "_RINvC7mycrateu8gdel_5qa", 40);
	cr_assert(eq(int, demangle(name, text, sizeof(text)), -E2BIG), "%s", name);
	make_doubling_cplusplus(name, 3);
	cr_assert(eq(int, demangle(name, text, sizeof(text)), 1), "%s is well formed", name);
	make_doubling_cplusplus(name, 30);
	cr_assert(eq(int, demangle(name, text, sizeof(text)), -E2BIG), "%s", name);
}

/* Each of these would run for years. */
Test(demangle, work_without_output_is_given_up)
{
	char name[1024] = "_ZN1acv", text[64];

	for (int i = 0; i < 60; i++)
		strcat(name, "T_I");
	strcat(name, "i");
	for (int i = 0; i < 60; i++)
		strcat(name, "E");
	strcat(name, "Ev");
	cr_assert(eq(int, demangle(name, text, sizeof(text)), -ETIME));
	cr_assert(eq(int, demangle("_RMINtC1a1bFGzzzzzzzz_EuEp", text, sizeof(text)), -ETIME));
	assert_demangles("_ZN3foo3barEv", "foo::bar");
}

Test(demangle, never_jumps_over_an_allocation)
{
	char text[64];

	cr_assert(eq(int, demangle("_RMINtC1a3bu8FGzzzzzzzz_EuEp", text, sizeof(text)), 0));
}

Test(demangle, leaves_no_timer_behind)
{
	struct itimerval timer;
	char text[64];

	demangle("_RMINtC1a1bFGzzzzzzzz_EuEp", text, sizeof(text));
	demangle("_ZN3foo3barEv", text, sizeof(text));
	cr_assert(eq(int, getitimer(ITIMER_VIRTUAL, &timer), 0));
	cr_assert(eq(long, timer.it_value.tv_sec, 0));
	cr_assert(eq(long, timer.it_value.tv_usec, 0));
	raise(SIGVTALRM);
}

static void damage(char *name, size_t length, unsigned int *seed)
{
	static const char alphabet[] = "0123456789_EINTSZGBKRLCMXYFPDdpvlcsOhtu$.";

	for (int i = rand_r(seed) % 6; i >= 0; i--)
		name[2 + rand_r(seed) % (length - 2)] =
			alphabet[rand_r(seed) % (sizeof(alphabet) - 1)];
}

Test(demangle, survives_damaged_names)
{
	static const char *const seeds[] = {
		"_ZNSt6vectorIiSaIiEE9push_backERKi",
		"_ZZN3fooIJidcEE3barIXadL_Z4mainEEEEvDpT_ENKUlvE_clEv",
		"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
		"_RINvNtC3std3mem8align_ofNtNtC3std3mem12DiscriminantE",
		"_RNvMs0_NtCs1234_7mycrate3fooINtB5_3BarpE3bazKj2a_",
	};
	unsigned int seed = 1;

	for (int i = 0; i < 20000; i++) {
		char name[128], text[256];
		int r;

		strcpy(name, seeds[i % array_length(seeds)]);
		damage(name, strlen(name), &seed);
		r = demangle(name, text, sizeof(text));
		cr_assert(r <= 1);
		cr_assert(r < 1 || strlen(text) < sizeof(text));
	}
}
