"""A wall clock that a test sets forward and back, in every Python process that has it.

With this folder on `PYTHONPATH` and `SHIFTED_CLOCK` naming a file, an interpreter adds the
number of seconds in that file (a double) to what `time.time` and `time.time_ns` say. What a
machine does to all of its processes when somebody sets its clock, done to some of them.
"""

import mmap
import os
import struct
import time


def shift(path: str) -> None:
    """Make this process's wall clock that of the file."""
    with open(path, "rb") as file:
        shared = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
    true_time, true_time_ns, unpack = time.time, time.time_ns, struct.Struct("d").unpack_from
    time.time = lambda: true_time() + unpack(shared)[0]
    time.time_ns = lambda: true_time_ns() + int(unpack(shared)[0] * 1e9)


if "SHIFTED_CLOCK" in os.environ:
    shift(os.environ["SHIFTED_CLOCK"])
