#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Listens on the system bus as anybody may, and prints what the daemon tells of changes:

  listen.py

It reads a property first, since only those are told who have asked before; and it asks the bus for what
is said to others, too. Prints "ready" then, and each signal of the daemon as JSON: its destination and
its content. Goes on until it is killed.
"""
import ctypes
import ctypes.util
import json
import sys

NAME, PATH, INTERFACE = b"org.oxprof1", b"/org/oxprof1", b"org.oxprof1.Manager"
BUS, BUS_PATH = b"org.freedesktop.DBus", b"/org/freedesktop/DBus"
MATCH = b"type='signal',path='/org/oxprof1'"

lib = ctypes.CDLL("libsystemd.so.0")
for function in ("sd_bus_message_get_destination", "sd_bus_message_get_member", "sd_bus_message_get_path"):
    getattr(lib, function).restype = ctypes.c_char_p
HANDLER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
BASIC = {"s": ctypes.c_char_p, "t": ctypes.c_uint64, "d": ctypes.c_double, "b": ctypes.c_int,
         "u": ctypes.c_uint32}


def check(result):
    if result < 0:
        sys.exit("listen.py: error %d" % -result)
    return result


def read_values(message):
    """The values of a message, or of a container, that are left; containers as lists."""
    values = []
    kind, contents = ctypes.c_char(), ctypes.c_char_p()
    while check(lib.sd_bus_message_peek_type(message, ctypes.byref(kind), ctypes.byref(contents))) > 0:
        if contents.value is None:
            value = BASIC[kind.value.decode()]()
            check(lib.sd_bus_message_read_basic(message, kind, ctypes.byref(value)))
            values.append(value.value.decode() if isinstance(value.value, bytes) else value.value)
            continue
        check(lib.sd_bus_message_enter_container(message, kind, contents))
        values.append(read_values(message))
        check(lib.sd_bus_message_exit_container(message))
    return values


@HANDLER
def on_message(pointer, userdata, error):
    message = ctypes.c_void_p(pointer)
    if lib.sd_bus_message_get_path(message) != PATH or not lib.sd_bus_message_is_signal(message, None, None):
        return 0
    destination = lib.sd_bus_message_get_destination(message)
    print(json.dumps({"destination": destination and destination.decode(),
                      "member": lib.sd_bus_message_get_member(message).decode(),
                      "content": read_values(message)}), flush=True)
    return 0


bus = ctypes.c_void_p()
check(lib.sd_bus_open_system(ctypes.byref(bus)))
check(lib.sd_bus_add_filter(bus, None, on_message, None))
check(lib.sd_bus_call_method(bus, BUS, BUS_PATH, BUS, b"AddMatch", None, None, b"s", MATCH))
# The bus may refuse that.
lib.sd_bus_call_method(bus, BUS, BUS_PATH, BUS, b"AddMatch", None, None, b"s", MATCH + b",eavesdrop='true'")
check(lib.sd_bus_get_property_trivial(bus, NAME, PATH, INTERFACE, b"Interval", None, ctypes.c_char(b"d"),
                                      ctypes.byref(ctypes.c_double())))
print("ready", flush=True)
while True:
    if check(lib.sd_bus_process(bus, None)) == 0:
        check(lib.sd_bus_wait(bus, ctypes.c_uint64(2**64 - 1)))
