"""The parent of a git command that takes long: ends it when the caller is gone.

A script, run by path with `python -I -S`, so it imports nothing of odbctl. It
starts git and waits on a pipe whose other end the caller holds. A byte means
that git has closed its output and is waited for; the end of the pipe means
that the caller was killed, even with SIGKILL. Then the whole process group
ends: git, its transport helpers, ssh and index-pack.

PR_SET_PDEATHSIG would reach git alone, and those children would live on.
"""

from __future__ import annotations

import os
import select
import signal
import sys

# How long git may clean up, such as remove its temporary files, before it is killed.
GRACE_SECONDS = 2.0
_NOT_FOUND = 127


def main(lifeline: int, command: list[str]) -> int:
    """Run a command in this process group and return its exit code."""
    # Everything that the command starts inherits `held`: once all of it has ended, `alive` ends.
    alive, held = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(lifeline, held, command)
    os.close(held)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # the caller reads until all of git has closed them
        os.dup2(null, stream)
    if os.read(lifeline, 1):
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return code if code >= 0 else 128 - code
    os.killpg(0, signal.SIGTERM)
    select.select([alive], [], [], GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)
    return 128 + signal.SIGKILL


def _become(lifeline: int, held: int, command: list[str]) -> None:
    """Replace this process with the command, with the signals that Python changed as they were."""
    try:
        os.close(lifeline)
        os.set_inheritable(held, True)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)
    finally:
        os._exit(_NOT_FOUND)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
