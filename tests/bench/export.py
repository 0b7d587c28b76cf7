# SPDX-License-Identifier: MIT
"""export.py NAME PID COMMAND...: rows of what it costs to export to standard output: when its first
byte comes and its last, how many there are, and the most memory that the command and the daemon PID
had meanwhile."""
import os
import re
import subprocess
import sys
import time

MIB = 1 << 20


def daemon_peak(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmHWM:\s*(\d+) kB", file.read())[1]) * 1024


def main():
    name, pid, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")  # the peak is that of now
    began = time.monotonic()
    first = size = 0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
    while chunk := process.stdout.read(MIB):
        first = first or time.monotonic()
        size += len(chunk)
    _, status, usage = os.wait4(process.pid, 0)
    ended = time.monotonic()
    if status:
        sys.exit(f"{command}: exit {status}")
    for figure, unit, value in (("first byte", "ms", (first - began) * 1000),
                                ("last byte", "ms", (ended - began) * 1000),
                                ("size", "MiB", size / MIB),
                                ("memory of oxprofctl", "MiB", usage.ru_maxrss * 1024 / MIB),
                                ("memory of oxprofd", "MiB", daemon_peak(pid) / MIB)):
        print(f"{name}: {figure}\t{unit}\t{value:.1f}")


main()
