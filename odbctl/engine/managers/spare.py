"""The spare: a worker that is forked ahead of time and waits for its launch.

It has rehearsed a worker's life, so the memory that a worker writes to is its
own already; from its launch to Running it takes half the time of a new fork.
It runs no code of an author before that, and ends when its launcher does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import NoReturn

from odbctl.engine.worker import process
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.engine.worker.warm_up import rehearse

# A pipe takes as much without a reader (pipe(7)), so giving a launch never waits.
MAX_LAUNCH_BYTES = 60_000
_READ_BYTES = 1 << 16


class Spare:
    """The launcher's end of a spare worker."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self.descriptor = descriptor

    def give(self, launch: WorkerLaunch) -> bool:
        """Have it run a launch; False when the launch is too large or the spare is gone."""
        data = json.dumps(launch.to_fields()).encode()
        if len(data) > MAX_LAUNCH_BYTES:
            return False
        try:
            os.write(self.descriptor, data)
        except OSError:
            return False
        self.close()
        return True

    def close(self) -> None:
        """Close the pipe; a spare that was given nothing ends."""
        os.close(self.descriptor)


def wait_for_launch(descriptor: int, report: int, scratch: Iterable[str]) -> NoReturn:
    """Rehearse where that is possible, wait, and run a launch: the life of a spare."""
    rehearse(scratch)
    data = b""
    while chunk := os.read(descriptor, _READ_BYTES):
        data += chunk
    os.close(descriptor)
    if not data:
        os._exit(0)
    process.run_process(WorkerLaunch.from_fields(json.loads(data)), report)
