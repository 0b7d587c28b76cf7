#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Unpauses and pauses a process again and again:

  toggle.py PID TIMES-A-SECOND

until a line comes on standard input, or its end. Prints then, as JSON, how many changes were made and how
many were refused, by the text of the error without its numbers.
"""
import collections
import ctypes
import json
import re
import select
import sys

NAME, PATH, INTERFACE = b"org.oxprof1", b"/org/oxprof1", b"org.oxprof1.Manager"

lib = ctypes.CDLL("libsystemd.so.0")


class Error(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("message", ctypes.c_char_p), ("need_free", ctypes.c_int)]


def change(bus, method, *arguments):
    """The answer to a change: "done" or what kind of error."""
    error = Error()
    result = lib.sd_bus_call_method(bus, NAME, PATH, INTERFACE, method, ctypes.byref(error), None, *arguments)
    if result >= 0:
        return "done"
    text = error.message.decode() if error.message else "error %d" % -result
    lib.sd_bus_error_free(ctypes.byref(error))
    return re.sub(r"\d+", "N", text)


def main():
    target, pause_seconds = b"pid:" + sys.argv[1].encode(), 1 / float(sys.argv[2])
    bus = ctypes.c_void_p()
    if lib.sd_bus_open_system(ctypes.byref(bus)) < 0:
        sys.exit("toggle.py: there is no bus")
    answers = collections.Counter()
    while not select.select([sys.stdin], [], [], pause_seconds)[0]:
        if sum(answers.values()) % 2:
            answers[change(bus, b"Pause", b"as", 0)] += 1
        else:
            answers[change(bus, b"Unpause", b"asa{sv}", 1, target, 0)] += 1
    print(json.dumps(answers))


main()
