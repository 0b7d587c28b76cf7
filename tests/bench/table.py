# SPDX-License-Identifier: MIT
"""From rows of "figure<TAB>unit<TAB>value..." to a table; of many values min, median and max."""
import statistics
import sys


def text(value):
    return f"{value:.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"


table = [("figure", "unit", "min", "median", "max")]
for line in sys.stdin:
    figure, unit, *values = line.rstrip("\n").split("\t")
    values = [float(value) for value in values]
    ends = (text(min(values)), text(max(values))) if len(values) > 1 else ("", "")
    table.append((figure, unit, ends[0], text(statistics.median(values)), ends[1]))
widths = [max(len(row[column]) for row in table) for column in range(5)]
for row in table:
    left = [row[column].ljust(widths[column]) for column in (0, 1)]
    right = [row[column].rjust(widths[column]) for column in (2, 3, 4)]
    print("  ".join(left + right).rstrip())
