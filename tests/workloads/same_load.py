#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""same_load.py DATABASE: adds sessions of 60 s at 99 Hz to a history whose daemon is stopped, three
for each of 20 seeds: two of the same load, and one in which the function `some` went from 10 to 15 %
of the CPU. A load is 40 functions of very different shares, and a fifth of the time nothing runs."""
import random
import sqlite3
import sys

SEEDS = 20
START = 1760000000000000
SECONDS = 60
WINDOW = 10
HZ = 99
FUNCTIONS = 40
IDLE = 0.2


def add_row(db, table, **values):
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    return db.execute(f"INSERT INTO {table}({names}) VALUES ({marks})", tuple(values.values())).lastrowid


def add_stack(db, parent, name):
    function = add_row(db, "function", function=name, module="made", file="/usr/bin/made", kind=0)
    frame = add_row(db, "frame", function=function, line=0, build_id="", offset=0)
    return add_row(db, "node", parent=parent, frame=frame)


def draw_session(db, draw, start, task, nodes, weights):
    session = add_row(db, "session", started=start, ended=start + SECONDS * 1000000, mode="cpu",
                      interval_ns=1000000000 // HZ, targets="comm:made", owner=0,
                      samples=0, seen=start + SECONDS * 1000000)
    alone = add_row(db, "session_set", sessions=str(session))
    add_row(db, "member", session=session, session_set=alone)
    total = 0
    for t in range(start // 1000000 // WINDOW, start // 1000000 // WINDOW + SECONDS // WINDOW):
        ticks = draw.choices(nodes + [None], weights + [IDLE], k=HZ * WINDOW)
        for node in nodes:
            n = ticks.count(node)
            total += n
            if n:
                add_row(db, "sample", session_set=alone, t=t, task=task, node=node, kind=0, n=n)
    db.execute("UPDATE session SET samples = ? WHERE id = ?", (total, session))


def main():
    db = sqlite3.connect(sys.argv[1])
    process = add_row(db, "process", pid=4711, started=START, exec_id=1, uid=0, owner=0, comm="made",
                      exe="/usr/bin/made", cmdline="", user="root", unit="", cgroup="/")
    task = add_row(db, "task", process=process, tid=4711, comm="made")
    root = add_stack(db, 0, "main")
    nodes = [add_stack(db, root, "some")]
    nodes += [add_stack(db, root, f"other_{i}") for i in range(FUNCTIONS)]
    zipf = [1 / (i + 1) for i in range(FUNCTIONS)]
    start = START
    for seed in range(SEEDS):
        draw = random.Random(seed)
        for share in (0.10, 0.10, 0.15):
            rest = (1 - IDLE - share) / sum(zipf)
            draw_session(db, draw, start, task, nodes, [share] + [rest * w for w in zipf])
            start += 100000000
    db.commit()


main()
