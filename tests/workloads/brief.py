# SPDX-License-Identifier: MIT
"""brief.py [AT-ONCE]: 100 processes of this interpreter, so many at a time (1), each of which takes
100 ms of CPU time in a function of its own name, brief_000() to brief_099(), and is gone. Waits for a
line before it begins, and says at the end which share of their CPU time that was: "share 0.8321"."""
import resource
import subprocess
import sys
import time

SOURCE = """
def brief_%03d(end):
    total = 0
    while clock() < end:
        for i in range(1000):
            total = total * 31 + i & 0xFFFF
"""


def work(number):
    scope = {"__name__": "brief", "clock": time.process_time}
    exec(compile(SOURCE % number, "/brief/%03d.py" % number, "exec"), scope)
    scope["brief_%03d" % number](time.process_time() + 0.1)


def start_all(at_once):
    running = []
    for number in range(100):
        if len(running) == at_once:
            running.pop(0).wait()
        command = [sys.executable, "-S", "-E", __file__, "work", str(number)]
        running.append(subprocess.Popen(command))
    for process in running:
        process.wait()


if sys.argv[1:2] == ["work"]:
    work(int(sys.argv[2]))
else:
    sys.stdin.readline()
    start_all(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("share %.4f" % (100 * 0.1 / (used.ru_utime + used.ru_stime)))
