"""Which file system a file is on: a WAL needs memory that all processes share. Linux only."""

from __future__ import annotations

import os
from typing import Final

# Several machines may have these mounted; shared memory does not reach across them.
NETWORK: Final = frozenset(
    {"9p", "afs", "ceph", "cifs", "fuse.sshfs", "gfs2", "glusterfs", "lustre", "nfs", "nfs4",
     "ocfs2", "smb3", "smbfs", "vboxsf"}
)  # fmt: skip


def kind_of(path: str | os.PathLike[str], mounts: str = "/proc/self/mountinfo") -> str | None:
    """Return the kind of file system that a file is on, e.g. "ext4"; None if unknown.

    Source: proc(5), mountinfo: field 5 is the mount point, the first one after " - " the kind.
    """
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    real = os.path.realpath(path)
    best, kind = "", None
    for line in lines:
        head, _, tail = line.partition(" - ")
        point = head.split()[4].replace("\\040", " ")
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, tail.split()[0]
    return kind


def is_network(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is on a file system that several machines may have mounted."""
    return kind_of(path) in NETWORK
