# SPDX-License-Identifier: MIT
"""markup.py: takes its time, until it is killed, in functions whose names a page must not believe, and
in two with honest ones of which the second takes twice as much as the first."""

HOSTILE = ('<script>alert(1)</script>&"', '"><img src=x onerror=alert(2)>', "${alert(3)}{{alert(4)}}")


def honest_once():
    return spin(20000)


def honest_twice():
    return spin(40000)


def spin(n):
    total = 0
    for i in range(n):
        total = total * 31 + i & 0xFFFF
    return total


def renamed(name):
    def function():
        return spin(10000)

    function.__code__ = function.__code__.replace(co_name=name, co_qualname=name)
    return function


def main():
    functions = [honest_once, honest_twice, *map(renamed, HOSTILE)]
    while True:
        for function in functions:
            function()


main()
