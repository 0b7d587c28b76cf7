# SPDX-License-Identifier: MIT
"""Holds the stacks of one process in the history against all that its program can have on them.

    check_legal.py [--min=N] [--unusable=SHARE] [--short] DATABASE PID TRUTH

TRUTH is what the program wrote of itself (truth.py); the marks in its source are told in legal.py. A
Python frame has to be a function that there is, in its module and file, at a line that has code; a
caller at a line that calls the next one; the first a root. Exit 1 where a stack is illegal, where more
than SHARE of the samples (0.001) have no whole Python part, or where there are fewer than N of them.
--short: so few samples that chance has its share: as many more as three standard deviations are."""
import argparse
import collections
import itertools
import json
import re
import sqlite3
import sys

NATIVE, KERNEL, PYTHON = 0, 1, 2
EVAL = re.compile(r"_?PyEval_EvalFrame(Default|Ex)\b")

Frame = collections.namedtuple("Frame", "kind function module file line")
# A code object of the program: its lines are those that have code.
Code = collections.namedtuple("Code", "module file name qualified first lines method")
# callers and callees are functions in the form MODULE:NAME, or a whole MODULE.
Edge = collections.namedtuple("Edge", "caller callee line via must")


def name_of(code):
    return code.module + ":" + code.qualified


class Grammar:
    """From the marks of the program."""

    def __init__(self, truth):
        self.version = tuple(truth["version"])
        self.codes = [Code(*fields[:5], frozenset(fields[5]), fields[6])
                      for fields in truth["codes"]]
        self.by_file = collections.defaultdict(list)
        for code in self.codes:
            self.by_file[code.file, code.module].append(code)
        self.main = [code for code in self.codes if code.file == truth["main"]]
        self.edges = collections.defaultdict(list)
        self.roots, self.anywhere, self.depths, self.natives = set(), set(), [], []
        with open(truth["main"], encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                self.read_line(number, text.rstrip("\n"))

    def read_line(self, number, text):
        mark = re.search(r"(^|  )#([>c=]) (.*)", text)
        if not mark:
            return
        kind, rest = mark.group(2), mark.group(3)
        if kind == "c":
            self.natives.append((re.compile(rest), number))
        elif kind == "=":
            leaf, count, caller = rest.split()
            self.depths.append((self.full(leaf), int(count), self.full(caller)))
        else:
            for clause in rest.split("; "):
                self.read_clause(clause, number if mark.start() or mark.group(1) else 0)

    def read_clause(self, clause, number):
        word, _, rest = clause.partition(" ")
        if word in ("root", "anywhere"):
            (self.roots if word == "root" else self.anywhere).add(self.full(rest))
            return
        names, _, via = clause.partition(" via")
        caller, _, callee = names.rpartition(" > ")
        must = via[:1] == "!"
        via = via.lstrip("!").strip()
        via = re.compile(".*" if via == "*" else via) if via else None
        if not number:
            self.add(Edge(self.full(caller), self.full(callee), 0, via, must))
            return
        for code in self.callers(caller, number):
            for target in self.callees(callee, code, number):
                self.add(Edge(name_of(code), target, number, via, must))

    def add(self, edge):
        self.edges[edge.caller].append(edge)

    @staticmethod
    def full(name):
        """Names with a ":" or modules are whole already, others are of the program."""
        whole = ":" in name or name in ("threading", "_weakrefset") or name.startswith("made_")
        return name if whole else "__main__:" + name

    def callers(self, name, number):
        here = [code for code in self.main if number in code.lines]
        if name:
            return [code for code in here if code.name == name]
        named = [code for code in here if not code.name.startswith("<")]
        if not named:
            return [code for code in here if code.name == "<module>"]
        # A line that begins a function has code of the one around it too: it calls nothing here.
        inner = max(named, key=lambda code: code.first)
        # Up to 3.11 a comprehension is a function of its own, and the call is in it.
        own = [code for code in here if re.match("<(list|set|dict)comp>", code.name)]
        for code in own:
            self.add(Edge(name_of(inner), name_of(code), number, None, False))
        return own or [inner]

    def callees(self, name, caller, number):
        if name == self.full(name):
            return [name]
        inner = [code for code in self.main
                 if code.qualified == caller.qualified + ".<locals>." + name]
        if name.startswith("<"):
            inner = [code for code in inner if number in code.lines]
        found = inner or [code for code in self.main if code.qualified == name]
        if not found and name.startswith("<"):
            return []
        if not found:
            sys.exit("line %d: no function %s" % (number, name))
        return [name_of(code) for code in found]

    # ---- frames ----

    def names(self, code):
        """What the function may be called."""
        if self.version >= (3, 11):
            return (code.qualified,)
        parts = code.qualified.split(".")
        if len(parts) > 1 and parts[-2] != "<locals>":
            return (code.name, ".".join(parts[-2:]))
        return (code.name,)

    def find(self, frame):
        """The function that a frame is of, in the form MODULE:NAME; None: there is none. The second
        says what is wrong, else ""."""
        made = re.fullmatch(r"/made/(\d+)\.py", frame.file)
        if made:
            return self.find_made(frame, int(made.group(1)))
        codes = self.by_file[frame.file, frame.module]
        if not codes:
            return None, "no such module and file"
        codes = [code for code in codes if frame.function in self.names(code)]
        if not codes:
            return None, "no such function in its module and file"
        codes = [code for code in codes if frame.line in code.lines]
        if not codes:
            return None, "the function has no code at that line"
        return name_of(codes[0]), ""

    @staticmethod
    def find_made(frame, number):
        """Functions that race.py makes while it runs: the number says all of them."""
        first = number % 50 + 1
        if frame.module != "made%d" % (number % 10):
            return None, "the file of one made function, and the module of another"
        if frame.function == "<module>":
            return ("made_module", "") if frame.line <= first else (None, "no such line")
        if frame.function != "made_%d" % number:
            return None, "the file of one made function, and the name of another"
        if not first <= frame.line <= first + 4:
            return None, "the made function is not at that line"
        return "made_*", ""

    @staticmethod
    def made_calls(frame):
        """The line at which a made function calls."""
        number = int(re.sub(r"\D", "", frame.file))
        return number % 50 + 2 + number % 3

    def may_call(self, caller, frame, callee):
        """The edge from a caller at a line; also those of whole modules."""
        if caller == "made_*" and frame.line != self.made_calls(frame):
            return None
        for edge in self.edges[caller] + self.edges[caller.partition(":")[0]]:
            if edge.line in (0, frame.line) and (
                    edge.callee == callee or edge.callee == callee.partition(":")[0]):
                return edge
        if callee in self.anywhere:
            return Edge(caller, callee, frame.line, re.compile(".*"), False)
        return None

    def check(self, frames):
        """What is illegal in a stack, root first; "" nothing."""
        marked = frames[0].kind == NATIVE and frames[0].function.startswith("[")
        above, above_frame, between = None, None, []
        names, missing = [], ""
        for frame in frames:
            if frame.kind != PYTHON:
                between.append(frame)
                continue
            if missing:
                return missing
            name, why = self.find(frame)
            if why:
                return why + ": " + show(frame)
            if above is None:
                if name not in self.roots and not marked:
                    return "no root: " + show(frame)
            else:
                why = self.check_step(above, above_frame, name, between, marked)
                if why:
                    why += ": " + show(above_frame) + " -> " + show(frame)
                # From 3.11 on a generator is made by a call of its own, without C code.
                if why and (between or not name.endswith("<genexpr>")):
                    return why
                missing = why
            names.append(name)
            above, above_frame, between = name, frame, []
        return self.check_leaf(names, above_frame, between, marked)

    def check_step(self, caller, frame, callee, between, marked):
        edge = self.may_call(caller, frame, callee)
        if not edge:
            return "no such call at that line"
        native = [f.function for f in between]
        if any(EVAL.match(name) for name in native):
            return "an evaluation of no Python function between"
        named = [name for name in native if name and not name.startswith(("+0x", "["))]
        if edge.must and not marked:
            if not native:
                return "the C function between is missing"
            if len(named) == len(native) and not any(edge.via.search(n) for n in named):
                return "not the C function between: " + ";".join(named)
        if not edge.via:
            for name in named:
                if any(e.must and e.via.search(name) for e in self.musts()):
                    return "a C function between that is not called there: " + name
        return ""

    def musts(self):
        return [edge for edges in self.edges.values() for edge in edges if edge.must]

    def check_leaf(self, names, leaf, between, marked):
        for regex, _ in self.natives:
            if any(regex.search(frame.function) for frame in between):
                lines = [n for other, n in self.natives if other.pattern == regex.pattern]
                if leaf.line not in lines or not names[-1].startswith("__main__:"):
                    return "C function %s below: %s" % (regex.pattern, show(leaf))
        for function, count, caller in self.depths:
            if function in names and names.count(caller) != count and not marked:
                return "%d times %s above %s" % (names.count(caller), caller, function)
        return ""


def show(frame):
    kind = "" if frame.kind == PYTHON else "kernel " if frame.kind == KERNEL else "native "
    return kind + "%s(%s) %s:%d" % frame[1:]


def show_stack(frames):
    """A line for each, root first; equal ones behind each other once."""
    lines = []
    for frame, equal in itertools.groupby(frames):
        n = len(list(equal))
        lines.append("\n\t" + show(frame) + (" (%d times)" % n if n > 1 else ""))
    return "".join(lines)


# ---- the history ----

class History:
    def __init__(self, path):
        self.db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
        self.frames = {row[0]: Frame(*row[1:]) for row in self.db.execute(
            "SELECT frame.id, kind, function.function, module, file, line FROM frame"
            " JOIN function ON function.id = frame.function")}
        self.nodes = {node: (parent, frame) for node, parent, frame in
                      self.db.execute("SELECT id, parent, frame FROM node")}

    def stack(self, node):
        """Root first."""
        frames = []
        while node:
            node, frame = self.nodes[node]
            frames.append(self.frames[frame])
        return frames[::-1]

    def stacks(self, pid):
        """(frames, samples) of a process."""
        for node, n in self.db.execute(
                "SELECT node, sum(n) FROM (SELECT node, task, n FROM sample_hour UNION ALL"
                " SELECT node, task, n FROM rollup CROSS JOIN sample ON t >= rolled) AS hit"
                " JOIN task ON task.id = hit.task JOIN process ON process.id = task.process"
                " WHERE pid = ? GROUP BY node", (pid,)):
            yield self.stack(node), n


class Report:
    def __init__(self):
        self.n = collections.Counter()
        self.examples = {}
        self.between = collections.Counter()
        self.functions = collections.Counter()

    def add(self, grammar, frames, hits):
        python = [frame for frame in frames if frame.kind == PYTHON]
        self.n["samples"] += hits
        if frames and frames[0].kind == NATIVE and frames[0].function.startswith("["):
            self.n["marked " + frames[0].function] += hits
        if not python:
            self.n["without Python frames"] += hits
            self.keep("without Python frames", frames[-6:], hits)
            return
        if any(frame.function in ("", "[unknown]") or
               (not frame.line and frame.function != "<module>") for frame in python):
            self.n["with a frame unnamed"] += hits
            self.keep("with a frame unnamed", frames[-6:], hits)
            return
        why = grammar.check(frames)
        if why:
            self.n["illegal"] += hits
            self.keep("ILLEGAL: " + why, frames, hits)
            return
        if grammar.find(python[0])[0] not in grammar.roots:
            self.n["without the first callers"] += hits
            self.keep("without the first callers", frames, hits)
            return
        self.n["legal"] += hits
        self.see(frames, hits)

    def keep(self, what, frames, hits):
        """One stack of each sort."""
        n, text = self.examples.get(what, (0, show_stack(frames)))
        self.examples[what] = (n + hits, text)

    def see(self, frames, hits):
        """What a person would want to know: C functions that only carry a call, and what was seen."""
        last = None
        for i, frame in enumerate(frames):
            if frame.kind == PYTHON:
                for other in frames[last + 1:i] if last is not None else ():
                    self.between[other.function if not other.function.startswith("+") else
                                 "+0x..."] += hits
                last = i
        for function in {frame.function for frame in frames if frame.kind == PYTHON}:
            self.functions[function] += hits

    def print(self):
        for what, n in sorted(self.n.items()):
            print("%-24s %d" % (what, n))
        print("native frames between Python ones:",
              ", ".join("%s %d" % pair for pair in self.between.most_common(40)))
        for what, (n, text) in sorted(self.examples.items(), key=lambda pair: -pair[1][0])[:5]:
            print("%d times %s%s" % (n, what, text))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--min", type=int, default=300)
    parser.add_argument("--unusable", type=float, default=0.001)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("database")
    parser.add_argument("pid", type=int)
    parser.add_argument("truth")
    options = parser.parse_args()
    with open(options.truth, encoding="utf-8") as file:
        grammar = Grammar(json.load(file))
    report = Report()
    for frames, hits in History(options.database).stacks(options.pid):
        report.add(grammar, frames, hits)
    report.print()
    n = report.n
    unusable = n["samples"] - n["legal"] - n["illegal"]
    classes = {code.qualified.rpartition(".")[0] for code in grammar.main}
    unseen = [code.qualified for code in grammar.main
              if code.name[0] not in "<_" and code.qualified not in classes
              and not any(code.name in seen for seen in report.functions)]
    print("functions never seen: %s" % " ".join(unseen))
    print("%d samples, %d legal, %d illegal, %d unusable (%.3f %%)" % (
        n["samples"], n["legal"], n["illegal"], unusable,
        100 * unusable / max(n["samples"], 1)))
    room = options.unusable * n["samples"]
    room += 3 * room ** 0.5 if options.short else 0
    sys.exit(n["illegal"] > 0 or unusable > room or n["samples"] < options.min)


if __name__ == "__main__":
    main()
