/* SPDX-License-Identifier: MIT */
/*
 * throws [SECONDS]: exceptions that are thrown below exactly 20 frames of descend() and caught
 * above them, with something to destroy in each; a timer's signal whose handler spends time too,
 * wherever it strikes; sorting with a lambda; and a second thread that does the same. Until it has
 * used so many seconds of CPU time.
 */
#include <sys/time.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "burn.h"

#define WHOLE __attribute__((noipa))

namespace work
{

static volatile uint64_t sink;

struct counted {
	~counted()
	{
		sink = sink + 1;
	}
};

WHOLE static void spin(uint64_t steps)
{
	for (uint64_t i = 0; i < steps; i++)
		sink = sink * 31 + i;
}

/* Work enough that a tenth of the time goes into throwing, which is much already. Were it half of
 * it, one stack in 700 would be taken while libgcc overwrites the registers that it saved, in its
 * uw_install_context(): nobody can follow such a stack. */
WHOLE static void thrower(int value)
{
	spin(60000);
	throw std::runtime_error("thrown: " + std::to_string(value));
}

WHOLE static void descend(int depth)
{
	counted here;

	if (depth > 1)
		descend(depth - 1);
	else
		thrower(depth);
	sink = sink + 1;
}

WHOLE static void catch_one()
{
	try {
		descend(20);
	} catch (const std::exception &error) {
		sink = sink + std::string(error.what()).size();
	}
}

WHOLE static void sort_some()
{
	std::vector<uint64_t> numbers(3000);
	uint64_t value = sink;

	for (auto &number : numbers)
		number = value = value * 6364136223846793005u + 1;
	std::sort(numbers.begin(), numbers.end(),
		  [](uint64_t a, uint64_t b) { return (a ^ 0x5555) < (b ^ 0x5555); });
	sink = sink + numbers[0];
}

/* Lasts long enough to be sampled on a busy machine as well, where it mostly begins with a slice of
 * time, always at the same distance from the timer of the samples. */
WHOLE static void handler(int)
{
	spin(100000);
	sink = sink + 1; /* so that it is not the last call, and has its frame */
}

static void run(uint64_t end_ns)
{
	while (clock_cpu_ns() < end_ns) {
		for (int i = 0; i < 10; i++)
			catch_one();
		sort_some();
		spin(20000);
	}
}

} // namespace work

int main(int argc, char **argv)
{
	uint64_t end_ns = burn_begin(argc > 1 ? argv[1] : nullptr);
	struct sigaction action = {};
	itimerval every = {{0, 2000}, {0, 2000}};

	action.sa_handler = work::handler;
	action.sa_flags = SA_RESTART;
	sigaction(SIGPROF, &action, nullptr);
	setitimer(ITIMER_PROF, &every, nullptr);

	std::thread other(work::run, end_ns);
	work::run(end_ns);
	other.join();
}
