# SPDX-License-Identifier: MIT
"""hostile_self.py WAY: spoils what its own interpreter keeps of it, and goes on until it is killed, in
work() below outer(). Ways: name (co_name is no string), file, lines, type (of the code object), back
(the frame is its own caller), lost (the caller's frame is nowhere), thread (the thread's frame is
nowhere), globals, none. Python 3.6 to 3.13: spoilt is what nobody looks at while no call is made."""
import ctypes
import sys

VERSION = sys.version_info[:2]
NOWHERE = 0xDEAD00000000BEEF
OLD = VERSION < (3, 11)


def code_offsets():
    """Of co_filename, co_name or co_qualname, the table of lines."""
    if VERSION >= (3, 11):
        return 112, 128, 136
    return (104, 112, 120) if VERSION >= (3, 8) else (96, 104, 112)


def frame_of(frame):
    """The address of what the interpreter follows, and where its caller and its globals are in it."""
    if OLD:
        return id(frame), 24, 48
    inner = ctypes.c_uint64.from_address(id(frame) + 24).value
    return (inner, 48, 8) if VERSION == (3, 11) else (inner, 8, 24)


def thread_frame():
    """The address of the word that leads from the thread to its frame."""
    get = ctypes.pythonapi.PyThreadState_Get
    get.restype = ctypes.c_uint64
    state = get()
    if OLD:
        return state + 24
    if VERSION == (3, 13):
        return state + 72
    return ctypes.c_uint64.from_address(state + 56).value + (8 if VERSION == (3, 11) else 0)


def spoil(way, frame):
    code = id(frame.f_code)
    file, name, lines = code_offsets()
    address, back, names = frame_of(frame)
    return {
        "name": (code + name, id(spoil)),
        "file": (code + file, NOWHERE),
        "lines": (code + lines, NOWHERE),
        "type": (code + 8, id(int)),
        "back": (address + back, address),
        "lost": (address + back, NOWHERE),
        "globals": (address + names, NOWHERE),
        "thread": (thread_frame(), NOWHERE),
        "none": (code + 8, id(type(frame.f_code))),
    }[way]


def work(way):
    total = 0
    word = ctypes.c_uint64
    address, value = spoil(way, sys._getframe())
    print("ready", flush=True)
    word.from_address(address).value = value
    while True:
        total = total * 31 + 7 & 0xFFFF


def outer(way):
    work(way)


outer(sys.argv[1])
