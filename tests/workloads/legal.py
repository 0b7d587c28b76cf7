# SPDX-License-Identifier: MIT
"""legal.py [SECONDS [TRUTH]]: a program of which every legal stack is known, and every line.

Main and three threads call each other's functions in all the ways that there are. Where a line calls
a function of Python's, a mark says so, and no other line calls it:

    #> callee; callee via REGEX; caller > callee

`via`: C functions stand between, of these names if they have any ("!": at least one must be there,
"*": any). A mark with a caller of its own is for a lambda or the like on that line; at the start of a
line it is for functions of the library, MODULE:NAME or a whole MODULE. "#c REGEX": the line calls
such a C function, and no other line does. "#= FUNCTION N CALLER": below FUNCTION there are exactly
N times CALLER. check_legal.py reads all that. Python 3.6 and later."""
import hashlib
import json
import re
import sys
import threading
import time
import zlib

import truth

#> root <module>; root threading:Thread._bootstrap
#> threading > threading; threading > _weakrefset
#> threading:Thread.run > first; threading:Thread.run > second; threading:Thread.run > third
#> json:dumps > json.encoder:JSONEncoder.__init__; json:dumps > json.encoder:JSONEncoder.encode
#> json.encoder:JSONEncoder.encode > json.encoder:JSONEncoder.iterencode
#> json.encoder:JSONEncoder.iterencode > encode_odd via! encoder_listencode
#> json:loads > json.decoder:JSONDecoder.__init__; json:loads > json.decoder:JSONDecoder.decode
#> json.decoder:JSONDecoder.decode > json.decoder:JSONDecoder.raw_decode
#> json.decoder:JSONDecoder.raw_decode > take_object via! scan_once|_parse
#> re:sub > re:_compile
#= bottom 30 recurse
#= low 12 descend

END = time.time() + (float(sys.argv[1]) if len(sys.argv) > 1 else 1e9)
BYTES = bytes(range(256)) * 1024
WORDS = ["w%d" % (i * 7919 % 101) for i in range(60)]
TEXT = "one two three four " * 20
PATTERN = re.compile(r"t\w+")
DATA = {"list": [1, 2.5, None, "é"] * 5, "odd": [{1, 2}] * 5, "dict": {"a": {"b": 1}}}
DUMPED = json.dumps({"a": [{"b": i} for i in range(20)]})


def burn(n):
    total = 0
    for i in range(n):
        total = total * 31 + i & 0xFFFF
        if total & 1:
            total += 3
    return total


def recurse(n):
    if n > 1:
        return recurse(n - 1) + 1  #> recurse
    return bottom()  #> bottom


def bottom():
    return burn(300)  #> burn


def descend(n):
    if n > 1:
        return list(map(descend, [n - 1]))[0]  #> descend via! map_next
    return low()  #> low


def low():
    total = burn(100)  #> burn
    return total + zlib.crc32(BYTES)  #c crc32


def closures(n):
    def inner(m):
        def innermost():
            value = burn(m)  #> burn
            return value

        return innermost() + 1  #> innermost

    return inner(n)  #> inner


def numbers(n):
    for i in range(n):
        yield burn(20) + i  #> burn


def delegate(n):
    yield from numbers(n)  #> numbers via gen_|next


def use_generators():
    total = 0
    for value in delegate(8):  #> delegate via gen_|next
        total += value
    total += sum(burn(20) for _ in range(8))  #> <genexpr> via! builtin_sum; <genexpr> > burn
    generator = numbers(3)  #> numbers
    total += next(generator)  #> numbers via! builtin_next
    return total


async def inner_coroutine():
    return burn(50)  #> burn


async def outer_coroutine():
    value = await inner_coroutine()  #> inner_coroutine via gen_|coro|await
    return value + burn(20)  #> burn


def use_coroutines():
    coroutine = outer_coroutine()  #> outer_coroutine
    try:
        coroutine.send(None)  #> outer_coroutine via gen_|coro
    except StopIteration as stop:
        return stop.value


class Base:
    def __init__(self, n):
        self.n = n
        self.first = burn(n)  #> burn

    @classmethod
    def build(cls, n):
        return cls(n)  #> Base.__init__ via *

    @staticmethod
    def plain(n):
        return burn(n)  #> burn

    def method(self):
        return burn(self.n)  #> burn

    @property
    def shown(self):
        return burn(15)  #> burn

    def __add__(self, other):
        return self.n + burn(25)  #> burn

    def __getitem__(self, index):
        return burn(index)  #> burn

    def __iter__(self):
        for i in range(3):
            yield burn(i + 10)  #> burn


class Derived(Base):
    def method(self):
        value = super().method()  #> Base.method via super
        return value + 1


class Guard:
    def __enter__(self):
        return burn(20)  #> burn

    def __exit__(self, *_):
        return burn(20) < 0  #> burn


def use_classes():
    thing = Derived.build(20)  #> Base.build via method_|cfunction|classmethod
    total = thing.method()  #> Derived.method
    total += Base.plain(20)  #> Base.plain
    total += thing.shown  #> Base.shown via *
    total += thing + thing  #> Base.__add__ via *
    total += thing[30]  #> Base.__getitem__ via *
    for value in thing:  #> Base.__iter__ via gen_|next
        total += value
    with Guard():  #> Guard.__enter__; Guard.__exit__
        total += burn(10)  #> burn; Guard.__exit__
    return total


def fail(n):
    total = burn(n)  #> burn
    raise ValueError(total)


def use_exceptions():
    total = 0
    try:
        fail(20)  #> fail
    except ValueError as error:
        total += error.args[0] + burn(20)  #> burn
    finally:
        total += burn(30)  #> burn
    return total


def use_lists():
    total = [burn(n) for n in range(12)]  #> burn
    table = {n: burn(n) for n in range(12)}  #> burn
    few = {burn(n) for n in range(12)}  #> burn
    return total, table, few


def key_of(word):
    total = 0
    for letter in word:
        total = total * 31 + ord(letter)
    return total & 0xFF


def use_sorts():
    words = sorted(WORDS, key=key_of)  #> key_of via! list_?sort
    words.sort(key=lambda word: burn(5))  #> <lambda> via! list_?sort; <lambda> > burn
    return max(words, key=key_of)  #> key_of via! min_max


def many_lines(a, b, c):
    return a + b + c + burn(20)  #> burn


def use_lines():
    total = many_lines(  #> many_lines
        burn(10),  #> burn; many_lines
        burn(20)  #> burn; many_lines
        + 1,  #> burn; many_lines
        c=burn(  #> burn; many_lines
            30  #> burn; many_lines
        ),  #> burn; many_lines
    )  #> many_lines
    return total


def encode_odd(value):
    burn(20)  #> burn
    return list(value)


def take_object(value):
    burn(20)  #> burn
    return value


def use_json():
    text = json.dumps(DATA, default=encode_odd)  #> json:dumps
    return text, json.loads(DUMPED, object_hook=take_object)  #> json:loads


def replace(match):
    return match.group(0) + str(burn(10))  #> burn


def use_expressions():
    text = PATTERN.sub(replace, TEXT)  #> replace via! pattern_sub
    return re.sub(r"(\w+) (\w+)", "x", text)  #> re:sub


def fonction_é():
    return burn(60)  #> burn


def 函数():
    return fonction_é()  #> fonction_é


def released():
    digest = hashlib.sha256(BYTES).digest()
    time.sleep(0.0005)  #c pysleep|time_sleep|nanosleep
    return digest


def first():
    while time.time() < END:
        recurse(30)  #> recurse
        # One of its generators is not at its end, and is told so when its function has returned.
        use_generators()  #> use_generators; numbers via *
        use_classes()  #> use_classes
        use_json()  #> use_json


def second():
    while time.time() < END:
        descend(12)  #> descend
        closures(100)  #> closures
        use_exceptions()  #> use_exceptions
        use_sorts()  #> use_sorts
        use_coroutines()  #> use_coroutines


def third():
    while time.time() < END:
        released()  #> released
        use_expressions()  #> use_expressions
        use_lists()  #> use_lists
        函数()  #> 函数


def main():
    if len(sys.argv) > 2:
        truth.write(sys.argv[2])
    print("ready", flush=True)
    for target in (first, second, third):
        threading.Thread(target=target, daemon=True).start()  #> threading
    while time.time() < END:
        use_lines()  #> use_lines
        use_classes()  #> use_classes
        recurse(30)  #> recurse
        (lambda n: burn(n))(50)  #> <lambda>; <lambda> > burn


main()  #> main
