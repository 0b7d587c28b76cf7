#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Functions whose names nobody has met before, made by exec() and called once, each below a chain of
others that are as new: endless.py [DEPTH]."""
import random
import sys

NAME = "f%x" + "_" * 150
depth = int(sys.argv[1]) if len(sys.argv) > 1 else 60


def burn(turns):
    total = 0
    for i in range(turns):
        total += i
    return total


def make(inner):
    """A new function that calls another one, in a file of a new name."""
    name = NAME % random.getrandbits(64)
    scope = {"inner": inner, "__name__": "module_%x" % random.getrandbits(32)}
    exec(compile("def %s(n):\n return inner(n) + 1" % name, "/tmp/%s.py" % name, "exec"), scope)
    return scope[name]


print("ready", flush=True)
while True:
    function = burn
    for _ in range(depth):
        function = make(function)
    function(50000)
