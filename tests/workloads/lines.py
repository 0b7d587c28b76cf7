# SPDX-License-Identifier: MIT
#
# The lines of awkward code, as this interpreter tells them: for test_python_lines.c. CPython 3.6+.
# Each code object is one line of text:
#
#   VERSION FIRST_LINE LENGTH TABLE RANGES
#
# VERSION is major << 8 | minor, LENGTH bytes of code, TABLE hexadecimal ("-": empty), RANGES
# "LINE*BYTES,..." from the first instruction on. Where an instruction has no line, or the line 0, it
# is that of the one before it, at last FIRST_LINE.
import dis
import importlib.util
import io
import sys
import tokenize
import types

MODULES = ("argparse", "inspect", "typing", "_pydecimal", "tarfile", "subprocess", "difflib",
           "contextlib", "asyncio.base_events")


def awkward():
    yield "x = 1\n"
    yield "\n" * 700 + "def late():\n    return 1\n\n\n\nlate()\n"
    yield "def far():\n    a = 1\n" + "\n" * 126 + "    b = a\n" + "\n" * 127 + "    c = b\n" \
        + "\n" * 128 + "    d = c\n" + "\n" * 3000 + "    return (a,\n" + "\n" * 255 + "b, c, d)\n"
    # Backwards: the call itself is on the line of its beginning, by more than 128 lines too.
    yield "def back(f, g):\n    return f(\n" + "\n" * 300 + "        g(\n\n1,\n" + "\n" * 150 \
        + "2),\n        g(3,\n4))[\n\n0].a.b(\n        5\n    )\n"
    # Many bytes in one line, in one expression over many, and jumps that need EXTENDED_ARG.
    yield "def wide(a):\n    a = " + " + ".join(["a"] * 600) + "\n    return a\n"
    yield "def table():\n    return [\n" + "".join("        (%d, f%d),\n" % (i, i)
                                                for i in range(700)) + "    ]\n"
    yield "def huge(a):\n    while a:\n        try:\n" \
        + "".join("            if a == %d:\n                a.b%d(\n%d)\n" % (i, i, i)
                  for i in range(600)) \
        + "        except ValueError as e:\n            print(e)\n            continue\n" \
        + "        finally:\n            a -= 1\n    else:\n        return 0\n"
    yield """
def cleanup(a):
    try:
        try:
            a()
        except (KeyError,
                ValueError) as e:
            raise RuntimeError(
                "x") from e
        except OSError:
            pass
        else:
            a(1)
        finally:
            a(2)
    finally:

        for i in a:
            if i:
                break
            continue
        else:
            return 1

    with a() as b, \\
            a(b) as c:
        with b:
            return c
"""
    yield """
import functools


@functools.lru_cache(
    maxsize=None)
@functools.wraps(
    len)

def decorated(a, b=lambda: (
        1,
        2),
        *c):
    '''Text
    of more lines.'''
    return [
        (x,
         y)
        for x in a
        if x
        for y in
        b()
    ], {
        k: v
        for k, v
        in c}, (z
                for z in a)


class Klass(
        object):
    a = 1

    def method(self): return self.a; pass

    @property
    def other(self):
        def inner():
            return self
        return inner


def empty(): pass


def generator(a):
    b = yield a
    yield from a
    assert b, (
        "text",
        a)
    while True:
        if a and \\
                b or \\
                a:
            del a
            return
"""
    yield """
async def wait(a):
    async with a as b:
        async for c in b:
            await c(
                a,
                [d async for d
                 in b])
    return f'''{a!r} {
b:>10}

{c}'''
"""
    if sys.version_info >= (3, 8):
        yield "def walrus(a):\n    while (b :=\n           a()) and (\n            c := b):\n" \
            "        print(f'{b=}',\n              c)\n"
    if sys.version_info >= (3, 10):
        yield """
def matched(a):
    match a:
        case {"x": x,
              "y": [y, *_]} if x:
            return (x,
                    y)
        case (1 |
              2):
            pass

        case str(b):
            return b
        case _:
            return None
"""
    if sys.version_info >= (3, 11):
        yield "def grouped(a):\n    try:\n        a()\n    except* ValueError as e:\n        print(e)\n" \
            "    except* (TypeError,\n             KeyError):\n        raise\n"
    if sys.version_info >= (3, 12):
        yield "def typed[T: (int,\n             str)](a: T) -> list[\n        T]:\n    type X = dict[\n" \
            "        T, int]\n    return a\n"


def modules():
    for name in MODULES:
        with io.open(importlib.util.find_spec(name).origin, "rb") as file:
            source = file.read()
        encoding = tokenize.detect_encoding(io.BytesIO(source).readline)[0]
        yield source.decode(encoding)


def codes_in(code):
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            for inner in codes_in(const):
                yield inner


def lines_by_tables(code):
    """What the library says: a line, or None, for each instruction."""
    n = len(code.co_code)
    if hasattr(code, "co_lines"):
        lines = [None] * n
        for start, end, line in code.co_lines():
            lines[start:end] = [line] * (end - start)
        return lines[:n:2]
    lines = [code.co_firstlineno] * n
    for start, line in dis.findlinestarts(code):
        lines[start:] = [line] * (n - start)
    return lines[::2]


def lines_by_call(code):
    """What the interpreter itself says, as it does for a traceback."""
    try:
        import ctypes
    except ImportError:
        return None
    call = ctypes.pythonapi.PyCode_Addr2Line
    call.argtypes = (ctypes.py_object, ctypes.c_int)
    lines = [call(code, i) for i in range(0, len(code.co_code), 2)]
    return [None if line < 0 else line for line in lines]


def show(code):
    lines = lines_by_tables(code)
    if lines_by_call(code) not in (None, lines):
        sys.exit("%s, %d: the interpreter is not of one mind" % (code.co_name, code.co_firstlineno))
    table = code.co_linetable if hasattr(code, "co_linetable") else code.co_lnotab
    ranges = []
    shown = code.co_firstlineno
    for line in lines:
        shown = line or shown
        if ranges and ranges[-1][0] == shown:
            ranges[-1][1] += 2
        else:
            ranges.append([shown, 2])
    print(sys.version_info[0] << 8 | sys.version_info[1], code.co_firstlineno, len(code.co_code),
          table.hex() or "-", ",".join("%d*%d" % tuple(range_) for range_ in ranges))


for sources in awkward(), modules():
    for source in sources:
        for code in codes_in(compile(source, "x.py", "exec", dont_inherit=True)):
            show(code)
