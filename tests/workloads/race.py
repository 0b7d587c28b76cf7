# SPDX-License-Identifier: MIT
"""race.py [SECONDS [TRUTH]]: whatever makes an interpreter change its frames as often as it can, in
main and two threads: calls that do next to nothing, generators, exceptions, __del__, and functions
that are compiled, called and freed at once, so that their addresses are used again. The number in the
name of such a function tells its file, its module, and at which lines it is. Marks as in legal.py;
"anywhere": may be called at any line. Python 3.6 and later."""
import sys
import threading
import time

import truth

#> root <module>; root threading:Thread._bootstrap
#> threading > threading; threading > _weakrefset
#> threading:Thread.run > churn; threading:Thread.run > stir
#> anywhere Dropped.__del__
#> made_* > tick; made_module > tick

END = time.time() + (float(sys.argv[1]) if len(sys.argv) > 1 else 1e9)


def tick(n):
    return n + 1


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)  #> fib


def count(n):
    for i in range(n):
        yield tick(i)  #> tick


def chain(n):
    yield from count(n)  #> count via gen_|next


def use_generators():
    total = 0
    for value in chain(5):  #> chain via gen_|next
        total += value
    for value in (tick(i) for i in range(5)):  #> <genexpr> via gen_|next; <genexpr> > tick
        total += value
    unfinished = chain(5)  #> chain
    total += next(unfinished)  #> chain via next|gen_
    unfinished.close()  #> chain via gen_; count via gen_
    return total


class Dropped:
    def __init__(self, n):
        self.n = n

    def __del__(self):
        tick(self.n)  #> tick


def drop():
    for i in range(5):
        Dropped(i)  #> Dropped.__init__ via *
    thing = Dropped(7)  #> Dropped.__init__ via *
    thing = None
    return thing


def throw(n):
    if n:
        throw(n - 1)  #> throw
    raise KeyError(n)


def use_exceptions():
    for i in range(5):
        try:
            throw(i)  #> throw
        except KeyError:
            tick(i)  #> tick
        finally:
            tick(i)  #> tick


def make(number):
    """made_N(): its first line and the line of its call are told by the number."""
    empty = "\n" * (number % 50)
    body = "    n = 1\n" * (number % 3) + "    n = tick(3)\n" + "    n = 2\n" * (2 - number % 3)
    source = empty + "def made_%d(tick):\n" % number + body + "    return n\n"
    scope = {"__name__": "made%d" % (number % 10)}
    exec(compile(source, "/made/%d.py" % number, "exec"), scope)  #> made_module via *
    return scope["made_%d" % number]


def churn():
    number = 0
    while time.time() < END:
        for _ in range(20):
            number += 1
            make(number)(tick)  #> make; made_*


def stir():
    while time.time() < END:
        use_generators()  #> use_generators
        use_exceptions()  #> use_exceptions
        drop()  #> drop


def main():
    if len(sys.argv) > 2:
        truth.write(sys.argv[2])
    print("ready", flush=True)
    for target in (churn, stir):
        threading.Thread(target=target, daemon=True).start()  #> threading
    while time.time() < END:
        fib(12)  #> fib
        use_generators()  #> use_generators


main()  #> main
