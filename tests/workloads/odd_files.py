#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Maps ever other odd ELF files and runs code of each of them:

    odd_files.py TEMPLATE DIRECTORY N [SEED]

TEMPLATE is a program; each file is a copy of it of which bytes of the headers, the section table, the
symbols, the strings, the unwinding tables or the debug information were changed, or its end was cut
off. Code that takes half a millisecond is put in the middle of .text. Prints a line at the end."""
import ctypes
import mmap
import os
import random
import struct
import subprocess
import sys

# push %rbp; mov %rsp,%rbp; mov $N,%ecx; 1: dec %ecx; jne 1b; pop %rbp; ret
CODE = bytes.fromhex("554889e5b9") + struct.pack("<I", 1500000) + bytes.fromhex("ffc975fc5dc3")


def sections(path):
    """Name, offset and size of each section, as readelf tells them."""
    found = {}
    for line in subprocess.run(["readelf", "-SW", path], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.splitlines():
        fields = line.split("]", 1)[-1].split()
        if len(fields) > 5 and fields[0].startswith("."):
            found[fields[0]] = int(fields[3], 16), int(fields[4], 16)
    return found


def parts(data, found):
    """Where bytes are changed: headers, the section table, and what is not code."""
    ranges = [(0, 64), (64, 56 * 13)]
    table, = struct.unpack_from("<Q", data, 0x28)
    ranges.append((table, min(64 * 40, len(data) - table)))
    for name in (".symtab", ".strtab", ".dynsym", ".dynstr", ".dynamic", ".gnu.hash", ".eh_frame",
                 ".eh_frame_hdr", ".note.gnu.build-id", ".debug_info", ".debug_line", ".debug_abbrev",
                 ".debug_str", ".shstrtab", ".rela.plt", ".plt"):
        if name in found and found[name][1]:
            ranges.append(found[name])
    return ranges


def mutate(data, ranges, rng):
    copy = bytearray(data)
    values = 0, 1, 0x7f, 0x80, 0xff
    for _ in range(rng.choice((1, 3, 10, 100))):
        at, size = rng.choice(ranges)
        at += rng.randrange(size)
        for i in range(at, min(at + rng.choice((1, 1, 2, 4, 8)), len(copy))):
            copy[i] = rng.choice(values) if rng.random() < 0.7 else rng.randrange(256)
    return copy


def run(path, at):
    with open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE,
                           prot=mmap.PROT_READ | mmap.PROT_EXEC | mmap.PROT_WRITE)
    view = (ctypes.c_char * 1).from_buffer(mapped, at)
    for _ in range(3):
        ctypes.CFUNCTYPE(None)(ctypes.addressof(view))()
    del view
    mapped.close()


def main():
    template, directory, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    with open(template, "rb") as file:
        data = file.read()
    found = sections(template)
    ranges = parts(data, found)
    at = found[".text"][0] + found[".text"][1] // 2
    for i in range(n):
        copy = mutate(data, ranges, rng)
        copy[at:at + len(CODE)] = CODE
        if rng.random() < 0.1:
            del copy[rng.randrange(at + len(CODE), len(copy)):]
        path = os.path.join(directory, "odd_%d" % i)
        with open(path, "wb") as file:
            file.write(copy)
        run(path, at)
        if rng.random() < 0.5:
            os.unlink(path)
    print("ran", n, flush=True)


main()
