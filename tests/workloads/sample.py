# SPDX-License-Identifier: MIT
"""A program to look at: keeps one CPU busy in three functions until it is killed."""


def sort_numbers():
    return sorted((i * 7919) % 10007 for i in range(20000))


def join_words():
    return " ".join(str(i) for i in range(20000)).split()


def count_primes():
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, 5000))


while True:
    sort_numbers()
    join_words()
    count_primes()
