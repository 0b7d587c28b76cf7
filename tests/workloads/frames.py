# SPDX-License-Identifier: MIT
"""frames.py N [NATIVE [SLICES]]: spins below so many Python frames in all, so many of them called by C
code (map(), which is three C frames or so). With SLICES waits for a line, runs the same work so many
times, about 10 ms each, and prints the median of its times: "slice_ns N"."""
import sys
import time

N = int(sys.argv[1])
NATIVE = int(sys.argv[2]) if len(sys.argv) > 2 else 0
SLICES = int(sys.argv[3]) if len(sys.argv) > 3 else 0


def spin(steps):
    total = 0
    for i in range(steps):
        total = total * 31 + i & 0xFFFF
    return total


def descend(frames, native):
    if frames <= 1:
        return spin(100000)
    if native:
        return next(map(descend, (frames - 1,), (native - 1,)))
    return descend(frames - 1, 0)


def run():
    # The module, run() and spin() are three of them.
    return descend(max(N - 3, 1), NATIVE)


def time_slices():
    times = []
    for _ in range(SLICES):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return sorted(times)[SLICES // 2]


if not SLICES:
    print("ready", flush=True)
while not SLICES:
    run()
sys.stdin.readline()
print("slice_ns %d" % (time_slices() * 1e9))
