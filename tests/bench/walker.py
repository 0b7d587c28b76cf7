# SPDX-License-Identifier: MIT
"""walker.py SCRIPT [ARGUMENT...]: runs a script beside a thread that does as ox_profile does: every
millisecond it walks the frames of all threads, by sys._current_frames(), and counts the stacks by
function and module."""
import collections
import runpy
import sys
import threading
import time

hits = collections.Counter()


def walk():
    own = threading.get_ident()
    while True:
        for thread, frame in sys._current_frames().items():
            stack = []
            while thread != own and frame:
                stack.append((frame.f_code.co_name, frame.f_globals.get("__name__")))
                frame = frame.f_back
            hits[tuple(stack)] += 1
        time.sleep(0.001)


threading.Thread(target=walk, daemon=True).start()
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
