# SPDX-License-Identifier: MIT
"""names.py SECONDS: names in all the widths that the interpreter keeps its strings in, and code from a
file and a module of such names; takes its time in each of them and ends."""
import sys
import time

SOURCE = """
def %s(end):
    total = 0
    while clock() < end:
        for i in range(1000):
            total = total * 31 + i & 0xFFFF
"""
# One byte each but not ASCII, two, four; the longest is far longer than is kept.
NAMES = ("größe", "функция", "函数", "𠀀名", "x" * 3000)


def main():
    part = float(sys.argv[1]) / len(NAMES)
    for number, name in enumerate(NAMES):
        scope = {"__name__": "módulo_%d_模块" % number, "clock": time.process_time}
        exec(compile(SOURCE % name, "/añ/файл_%d_𠀀.py" % number, "exec"), scope)
        scope[name](time.process_time() + part)


main()
