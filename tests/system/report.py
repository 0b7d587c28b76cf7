#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""report.py FORMAT FILE QUERY: does a file that other tools read say the same as the answer QUERY
(of query --json --max=0) to the hit? FORMAT: folded, csv (these read the file themselves),
pprof-top, pprof-raw (the output of go tool pprof), speedscope (that of browser/speedscope.mjs). Of
folded the answer is that of --by=stack, of csv any, else that of --by=function."""
import collections
import csv
import json
import re
import sys

NO_STACK = "[no stack]"


def read_query(path):
    with open(path) as file:
        answer = json.load(file)
    functions = collections.defaultdict(lambda: [0, 0])
    for record in answer["records"]:
        functions[record["name"]][0] += record["self"]
        functions[record["name"]][1] += record["total"]
    return answer, functions


def compare(got, wanted):
    for name in sorted(set(got) | set(wanted)):
        if tuple(got.get(name, ())) != tuple(wanted.get(name, ())):
            sys.exit(f"{name}: {got.get(name)} in the file, {wanted.get(name)} in the answer")
    if len(wanted) < 3:
        sys.exit(f"only {len(wanted)} names: this tests nothing")
    print(f"{len(wanted)} names agree")


def read_folded(path):
    got = collections.Counter()
    with open(path) as file:
        for line in file:
            stack, hits = line.rstrip("\n").rsplit(" ", 1)
            got[stack] += int(hits)
    return {name: [hits, hits] for name, hits in got.items()}, sum(got.values())


def read_top(path):
    got = {}
    row = re.compile(r" *(\d+) +[\d.]+% +[\d.]+% +(\d+) +[\d.]+% +(.*)\n")
    with open(path) as file:
        for line in file:
            found = row.fullmatch(line)
            if found:
                got[found[3]] = [int(found[1]), int(found[2])]
    return got, sum(self for self, _ in got.values())


def read_raw(path):
    samples, names = [], {}
    sample = re.compile(r" *(\d+) +(\d+): ([\d ]+)\n")
    location = re.compile(r" *(\d+): 0x[0-9a-f]+ (?:M=\d+ )?(.*?) \S*:\d+(?::\d+)? s=\d+(?:\(.*\))?\n")
    with open(path) as file:
        for line in file:
            if found := sample.fullmatch(line):
                samples.append((int(found[1]), int(found[2]), found[3].split()))
            elif found := location.fullmatch(line):
                names[found[1]] = found[2]
            elif found := re.fullmatch(r"Period: (\d+)\n", line):
                period = int(found[1])
    got = collections.defaultdict(lambda: [0, 0])
    for hits, cpu, stack in samples:
        if cpu != hits * period:
            sys.exit(f"{hits} hits are not {cpu} ns at one in {period} ns")
        got[names[stack[0]]][0] += hits
        for name in {names[number] for number in stack}:
            got[name][1] += hits
    return got, sum(hits for hits, _, _ in samples)


def read_speedscope(path):
    with open(path) as file:
        got = json.load(file)
    return got, sum(self for self, _ in got.values())


def compare_csv(path, answer):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    if len(rows) != len(answer["records"]) or not rows:
        sys.exit(f"{len(rows)} rows, {len(answer['records'])} records")
    for row, record in zip(rows, answer["records"]):
        for key, cell in row.items():
            value = record.get(key)
            if isinstance(value, str) and value[:1] in tuple("=+-@\t\r"):
                value = "'" + value
            if cell != "" if value is None else \
                    float(cell) != value if isinstance(value, float) else cell != str(value):
                sys.exit(f"{key}: {cell!r} in the file, {value!r} in the answer")
    print(f"{len(rows)} rows agree")


def main():
    what, path, query = sys.argv[1:]
    answer, functions = read_query(query)
    if what == "csv":
        compare_csv(path, answer)
        return
    got, samples = {"folded": read_folded, "pprof-top": read_top, "pprof-raw": read_raw,
                    "speedscope": read_speedscope}[what](path)
    if samples != answer["samples"]:
        sys.exit(f"{samples} samples in the file, {answer['samples']} in the answer")
    # Functions have no row for samples without a stack; stacks have.
    if what != "folded":
        got.pop(NO_STACK, None)
    compare(got, functions)


main()
