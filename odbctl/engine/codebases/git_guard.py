"""The parent of a git command that takes long: ends it when the caller is gone.

A script, run by path with `python -I -S`, so it imports nothing of odbctl. It
starts git and waits on a pipe whose other end the caller holds. A byte means
that git has closed its output and is waited for; the end of the pipe means
that the caller was killed, even with SIGKILL, or wants no more. Then git's
whole process group ends: git, its transport helpers, ssh and index-pack.

PR_SET_PDEATHSIG would reach git alone, and those children would live on.
"""

from __future__ import annotations

import os
import sys

# How long git may clean up, such as remove its temporary files, before it is killed.
GRACE_SECONDS = 2.0
# By number: the import of `signal` would double the time that this script needs to start.
_SIGKILL, _SIGPIPE, _SIGTERM, _SIGXFSZ = 9, 13, 15, 25


def main(lifeline: int, command: list[str]) -> int:
    """Run a command in a process group of its own and return its exit code."""
    os.set_inheritable(lifeline, False)
    # Everything that the command starts inherits `held`: once all of it has ended, `alive` ends.
    alive, held = os.pipe()
    os.set_inheritable(held, True)
    # Python ignores two signals, which git must not inherit.
    ignored = (_SIGPIPE, _SIGXFSZ)
    pid = os.posix_spawnp(command[0], command, os.environ, setpgroup=0, setsigdef=ignored)
    os.close(held)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # the caller reads until all of git has closed them
        os.dup2(null, stream)
    if os.read(lifeline, 1):
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return code if code >= 0 else 128 - code
    return _end_group(pid, alive)


def _end_group(group: int, alive: int) -> int:
    """End a process group, the leader of which has not been waited for, so its id is not reused."""
    import select

    os.killpg(group, _SIGTERM)
    select.select([alive], [], [], GRACE_SECONDS)
    os.killpg(group, _SIGKILL)
    os.waitpid(group, 0)
    return 128 + _SIGKILL


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
