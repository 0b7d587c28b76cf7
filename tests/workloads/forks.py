# SPDX-License-Identifier: MIT
"""forks.py: three children of multiprocessing, forked and never exec'd, run forked_0(), forked_1() and
forked_2(), in code that was made after the fork, until they are killed. Waits for a line first."""
import multiprocessing
import sys

SOURCE = """
def forked_%d():
    total = 0
    while True:
        total = total * 31 + 7 & 0xFFFF
"""


def child(number):
    scope = {"__name__": "forked"}
    exec(compile(SOURCE % number, "/forked.py", "exec"), scope)
    scope["forked_%d" % number]()


sys.stdin.readline()
context = multiprocessing.get_context("fork")
for n in range(3):
    context.Process(target=child, args=(n,), daemon=True).start()
print("ready", flush=True)
while True:
    sys.stdin.read()
