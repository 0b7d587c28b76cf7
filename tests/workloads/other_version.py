# SPDX-License-Identifier: MIT
"""other_version.py LIBRARY COPY: a copy of an interpreter's library that says that it is Python 3.99:
its Py_Version. It runs as before."""
import re
import subprocess
import sys


def offset_of(path, symbol):
    """Where in the file a symbol's bytes are."""
    def lines(option):
        return subprocess.run(["readelf", option, path], check=True, stdout=subprocess.PIPE,
                              universal_newlines=True).stdout.splitlines()

    address = next(int(line.split()[1], 16) for line in lines("-sW")
                   if re.search(r" %s$" % symbol, line))
    for line in lines("-lW"):
        fields = line.split()
        if fields[:1] == ["LOAD"]:
            offset, begin, size = int(fields[1], 16), int(fields[2], 16), int(fields[4], 16)
            if begin <= address < begin + size:
                return offset + address - begin
    sys.exit("no such bytes in the file")


with open(sys.argv[1], "rb") as file:
    data = bytearray(file.read())
at = offset_of(sys.argv[1], "Py_Version")
data[at:at + 4] = (0x036300F0).to_bytes(4, "little")
with open(sys.argv[2], "wb") as file:
    file.write(data)
