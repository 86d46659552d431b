"""Folders in the cache: locks between processes, and failures to write told apart.

A lock is a `flock` on a file that stays: it vanishes with its last holder,
however that one dies, and git children hold it too.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path

from odbctl.engine.codebases.git_command import GitResult
from odbctl.errors import CodebaseError, NotPermittedError, OdbctlError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
FULL_BELOW_BYTES = 2**20
LOCKS_FOLDER = ".locks"

Report = Callable[[str], None]


@contextlib.contextmanager
def locked(folder: Path, key: str, *, report: Report | None = None) -> Generator[int, None, None]:
    """Hold the lock of `key`, waiting for whoever has it.

    Args:
        folder: Where the lock files are, in a folder of their own.
        key: What is locked.
        report: Is told, once, when there is somebody to wait for.

    Yields:
        The descriptor to pass on to children that must keep the lock.
    """
    with writing(folder):
        locks = folder / LOCKS_FOLDER
        locks.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(locks / key, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if report is not None:
                report(f"waiting for another process that is using {key}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def writing(folder: Path) -> Generator[None, None, None]:
    """Translate a failure to write below `folder`.

    Raises:
        NotPermittedError: The place is read-only or belongs to somebody else.
        CodebaseError: The disk is full, or something else is wrong with it.
    """
    try:
        yield
    except OSError as error:
        raise _translate(folder, error) from error


def _translate(folder: Path, error: OSError) -> OdbctlError:
    if error.errno in _FULL:
        return disk_full(folder)
    message = f"cannot write to {folder}: {error.strerror}"
    if error.errno in _REFUSED:
        return NotPermittedError(message, hint="set ODBCTL_HOME to a folder that you can write to")
    return CodebaseError(message)


def disk_full(folder: Path) -> CodebaseError:
    """Return the error that says so, with what helps."""
    return CodebaseError(
        f"the disk that holds {folder} is full",
        hint="odbctl codebase prune    (removes unused checkouts)",
    )


def git_failure(
    result: GitResult, folder: Path, message: str, *, hint: str | None = None
) -> OdbctlError:
    """Return the error for a git command that failed while it wrote below `folder`."""
    # Git gives the same exit code for everything, and a checkout not even the
    # system's own words: what it had written is still there, so look.
    is_told = any(os.strerror(number) in result.talk for number in _FULL)
    if is_told or _free_bytes(folder) < FULL_BELOW_BYTES:
        return disk_full(folder)
    if not os.access(folder, os.W_OK):
        return _translate(folder, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    return CodebaseError(f"{message}: {result.reason}", hint=hint)


def _free_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return FULL_BELOW_BYTES


def remove_tree(path: Path) -> None:
    """Remove a folder whose folders may be read-only; what is gone already is no error."""
    # The root too: it is renamed and then emptied.
    for folder, _, _ in os.walk(path):
        with contextlib.suppress(FileNotFoundError):
            os.chmod(folder, 0o700)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)


def size_bytes(path: Path) -> int:
    """Return the bytes of the files below a folder."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total
