# SPDX-License-Identifier: MIT
"""sub.py: main runs in_main() in the main interpreter, and two threads in_sub_1() and in_sub_2() each
in an interpreter of its own, all of them until they are killed. Python 3.8 and later."""
import sys
import threading
import time

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

# In some versions an interpreter's thread does not hear that those of another one want the lock: each
# gives it away by itself.
SOURCE = """
import time

def in_sub_%d():
    total = 0
    while True:
        for i in range(20000):
            total = total * 31 + i & 0xFFFF
        time.sleep(0.0001)

print("begun", flush=True)
in_sub_%d()
"""


def begin(number):
    interpreters.run_string(interpreters.create(), SOURCE % (number, number))


def in_main():
    total = 0
    while True:
        for i in range(20000):
            total = total * 31 + i & 0xFFFF
        time.sleep(0.0001)


for n in (1, 2):
    threading.Thread(target=begin, args=(n,), daemon=True).start()
print("ready", sys.version_info[:2], flush=True)
in_main()
