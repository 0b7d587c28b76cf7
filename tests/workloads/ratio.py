# SPDX-License-Identifier: MIT
"""ratio.py [SECONDS [THREADS]]: spends its CPU time 5 : 3 : 2 in five(), three() and two(), all of it
in Python code, in so many threads (1) that share the interpreter's lock. Waits for a line before it
begins, and prints what it has used, by the threads' own clocks: "five 0.4998" ..., "cpu_usec N".
Python 3.6 and later."""
import sys
import threading
import time

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 5
THREADS = int(sys.argv[2]) if len(sys.argv) > 2 else 1
UNIT = 0.005  # a tenth of a round


def five(steps):
    total = 0
    while steps > 0:
        steps -= 1
        total = total * 31 + steps & 0xFFFF
    return total


def three(steps):
    total = 0
    while steps > 0:
        steps -= 1
        total = total * 31 + steps & 0xFFFF
    return total


def two(steps):
    total = 0
    while steps > 0:
        steps -= 1
        total = total * 31 + steps & 0xFFFF
    return total


def clock():
    return time.clock_gettime(time.CLOCK_THREAD_CPUTIME_ID)


def spend(used):
    """What one round took too much of, the next gives back: the sums stay 5 : 3 : 2."""
    parts = ((five, 5), (three, 3), (two, 2))
    began = clock()
    five(100000)
    steps_per_second = 100000 / (clock() - began)
    used[five] += clock() - began
    rounds = 0
    while clock() < SECONDS / THREADS:
        rounds += 1
        for function, units in parts:
            wanted = rounds * units * UNIT - used[function]
            if wanted > 0:
                began = clock()
                function(int(wanted * steps_per_second))
                used[function] += clock() - began


def main():
    sums = [{five: 0.0, three: 0.0, two: 0.0} for _ in range(THREADS)]
    sys.stdin.readline()
    if THREADS == 1:
        spend(sums[0])
    else:
        threads = [threading.Thread(target=spend, args=(used,)) for used in sums]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    total = time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID)
    counted = sum(sum(used.values()) for used in sums)
    for function in (five, three, two):
        share = sum(used[function] for used in sums) / counted
        print("%s %.6f" % (function.__name__, share))
    print("cpu_usec %d" % (total * 1e6))


main()
