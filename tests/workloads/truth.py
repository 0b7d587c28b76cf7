# SPDX-License-Identifier: MIT
"""What the interpreter itself knows of every code object: its module, file, name, and the lines that
have code. Written as JSON by a workload, read by check_legal.py. Python 3.6 and later."""
import dis
import json
import sys

CO_OPTIMIZED = 1  # a function; not the body of a class or a module


def walk(code, prefix):
    """The code object and those within it: [name, qualified name, first line, lines, is a method]."""
    lines = {line for _, line in dis.findlinestarts(code) if line}
    # Before its first instruction a function is where it begins, a module at no line (3.11 and later).
    lines.add(code.co_firstlineno)
    if code.co_name == "<module>":
        lines.add(0)
    qualified = prefix + code.co_name
    method = code.co_varnames[:1] in (("self",), ("cls",)) and prefix[-1:] == "."
    yield [code.co_name, qualified, code.co_firstlineno, sorted(lines), method]
    if code.co_name == "<module>":
        inner = ""
    elif code.co_flags & CO_OPTIMIZED:
        inner = qualified + ".<locals>."
    else:
        inner = qualified + "."
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            yield from walk(constant, inner)


def code_of(name, module):
    if name == "__main__":
        path = sys.argv[0]
        with open(path, encoding="utf-8") as file:
            return compile(file.read(), path, "exec")
    loader = getattr(module, "__loader__", None)
    get_code = getattr(loader, "get_code", None)
    try:
        return get_code(name)
    except (AttributeError, ImportError, OSError, TypeError):
        return None


def write(path):
    """Of all modules that are loaded now."""
    codes = []
    for name, module in sorted(sys.modules.items()):
        code = code_of(name, module)
        if code is not None:
            for entry in walk(code, ""):
                codes.append([name, code.co_filename] + entry)
    truth = {"version": list(sys.version_info[:2]), "main": sys.argv[0], "codes": codes}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(truth, file)
