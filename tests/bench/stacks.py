#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""stacks.py DATABASE [STACKS]: a history with so many distinct stacks (a million), for what an
export of it costs. Each stack shares its callers with an earlier one and has five nodes of its own;
they are some 20 deep, of 600 functions in 40 files, a fifth of them Python's, with kernel parts;
hit by 64 threads of 16 processes over an hour. The same arguments make the same rows. The database
is new, or an empty one."""
import pathlib
import random
import sqlite3
import sys

SCHEMA = pathlib.Path(__file__).resolve().parent.parent.parent / "db" / "schema"
APPLICATION_ID = 0x6F787072
START = 1760000000000000
WINDOW = 10000000
WINDOWS = 360
FUNCTIONS = 600
OWN = 5
DEPTH = 20
KERNEL = 60  # of the functions, the last ones
LINES = 4  # of a function
FULL = 200  # callees of one caller


def open_database(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA auto_vacuum = incremental")
    db.execute("PRAGMA journal_mode = wal")
    steps = sorted(SCHEMA.glob("*.sql"))
    if db.execute("PRAGMA user_version").fetchone()[0] == 0:
        for step in steps:
            db.executescript(step.read_text())
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {len(steps)}")
    db.execute("PRAGMA synchronous = off")
    db.execute("PRAGMA cache_size = -400000")
    return db


def kind_of(function):
    return 1 if function >= FUNCTIONS - KERNEL else 2 if function % 5 == 4 else 0


def add_functions(db):
    for i in range(FUNCTIONS):
        kind, part = kind_of(i), i % 40
        name = ("do_%d", "sys_%d", "Handler%d.process")[kind] % i
        module = (f"libpart{part}.so.1", "kernel", f"app.part{part}")[kind]
        file = (f"/usr/lib/x86_64-linux-gnu/libpart{part}.so.1", "", f"/srv/app/part{part}.py")[kind]
        build_id = "" if kind else f"{part:040x}"
        db.execute("INSERT INTO function(function, module, file, kind) VALUES (?, ?, ?, ?)",
                   (name, module, file, kind))
        # A function is at several lines.
        for line in range(LINES):
            db.execute("INSERT INTO frame(function, line, build_id, offset) VALUES (?, ?, ?, ?)",
                       (i + 1, 10 * i + line + 1, build_id, 4096 + 64 * i))


def add_tasks(db):
    for p in range(16):
        db.execute("INSERT INTO process(pid, started, exec_id, uid, owner, comm, exe, cmdline, user,"
                   " unit, cgroup) VALUES (?, ?, 1, ?, ?, ?, ?, '', ?, ?, '')",
                   (1000 + 10 * p, START - 1000000, 1000 * (p % 2), 1000 * (p % 2), f"service{p}",
                    f"/usr/bin/service{p}", "alice" if p % 2 else "root", f"service{p}.service"))
        for t in range(4):
            db.execute("INSERT INTO task(process, tid, comm) VALUES (?, ?, ?)",
                       (p + 1, 1000 + 10 * p + t, f"worker{t}"))


def make_nodes(draw, n_stacks):
    """Rows of node, and the leaves of the stacks."""
    rows, leaves, depths, parents, children = [], [], [0], [0], [0]
    user, kernels = LINES * (FUNCTIONS - KERNEL), LINES * KERNEL

    def add(parent, kernel):
        # No two nodes are of the same parent and frame.
        start, k = parent * 2654435761 >> 8, children[parent]
        children[parent] += 1
        frame = user + (start + k * 77) % kernels if kernel else (start + k * 1009) % user
        rows.append((len(parents), parent, frame + 1))
        depths.append(depths[parent] + 1)
        parents.append(parent)
        children.append(0)
        return len(parents) - 1

    places = [0]  # where a stack may part from earlier ones
    for i in range(n_stacks):
        place = draw.randrange(len(places))
        at = places[place]
        if children[at] == FULL - 1:
            places[place] = places[-1]
            places.pop()
        kernel_from = OWN - 2 if draw.random() < 0.2 else OWN
        for step in range(OWN):
            at = add(at, step >= kernel_from)
            if step < kernel_from and depths[at] <= DEPTH - OWN:
                places.append(at)
        leaves.append(at)
    return rows, leaves


def main():
    n_stacks = int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
    draw = random.Random(1)
    db = open_database(sys.argv[1])
    db.execute("BEGIN")
    add_functions(db)
    add_tasks(db)
    rows, leaves = make_nodes(draw, n_stacks)
    db.executemany("INSERT INTO node(id, parent, frame) VALUES (?, ?, ?)", rows)
    samples = {(draw.randrange(WINDOWS), draw.randrange(64) + 1, leaf): draw.randrange(1, 4)
               for leaf in leaves}
    total = sum(samples.values())
    db.execute("INSERT INTO session(started, ended, mode, interval_ns, targets, owner, samples)"
               " VALUES (?, ?, 'cpu', 10101010, 'all', 0, ?)",
               (START, START + WINDOWS * WINDOW, total))
    db.execute("INSERT INTO session_set(id, sessions) VALUES (1, '1')")
    db.execute("INSERT INTO member(session, session_set) VALUES (1, 1)")
    first = START // WINDOW
    db.execute("UPDATE rollup SET rolled = ?", (first + WINDOWS,))
    for table, time, width in ("sample", "t", 1), ("sample_hour", "hour", WINDOWS):
        db.executemany(f"INSERT INTO {table}(session_set, {time}, task, node, kind, n)"
                       " VALUES (1, ?, ?, ?, 0, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
                       (((first + t) // width, task, node, n)
                        for (t, task, node), n in sorted(samples.items())))
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(truncate)")
    print(f"{len(samples)} stacks, {len(rows)} nodes, {total} samples")
    db.close()


if __name__ == "__main__":
    main()
