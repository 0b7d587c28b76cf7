# SPDX-License-Identifier: MIT
"""work.py [SECONDS]: much of what the interpreter is made of. descend() calls itself through map(),
so that each of its 25 levels has an evaluation loop of its own on the C stack; at the bottom is a
long call of zlib's crc32(), so below exactly 25 frames of that function."""
import hashlib
import json
import re
import sys
import time
import zlib

DEPTH = 25
BYTES = bytes(range(256)) * 8192
END = float(sys.argv[1]) if len(sys.argv) > 1 and float(sys.argv[1]) > 0 else float("inf")


def bottom():
    return zlib.crc32(BYTES)


def descend(depth):
    if depth > 1:
        return list(map(descend, [depth - 1]))[0]
    return [bottom() for _ in range(10)][0]


def sort_words():
    words = [str(i * 7919 % 10007) for i in range(3000)]
    return sorted(words, key=lambda word: word[::-1])


def use_json():
    return json.loads(json.dumps({str(i): [i, i / 7, None, "é"] for i in range(500)}))


def use_expressions():
    return re.sub(r"(\w+) (\w+)", r"\2 \1", "one two three four " * 300)


def use_hashes():
    return hashlib.sha256(BYTES[:200000]).hexdigest()


print("ready", flush=True)
while time.process_time() < END:
    descend(DEPTH)
    sort_words()
    use_json()
    use_expressions()
    use_hashes()
