"""Which files and folders odbctl trusts: the user's own, that nobody else can write to.

Whoever can write to a home chooses what its services run, and whoever owns the
folder of the sockets receives what is sent there, secrets among it. Checked in
every process that opens a home: commands, managers, workers, programs. Without
pathlib, whose import costs a quick command a tenth of its time.
"""

from __future__ import annotations

import os
import stat

from odbctl.errors import NotPermittedError
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

StrPath = str | os.PathLike[str]

_ROOT = 0
_OTHERS_CAN_WRITE = 0o022
_OTHERS_CAN_USE = 0o077


def require_private_folder(folder: StrPath) -> None:
    """Refuse a folder of sockets that is not a real folder of the user alone.

    Raises:
        NotPermittedError: It is missing, a link, another user's, or open to others.
    """
    problem = _private_problem(folder)
    if problem is not None:
        raise NotPermittedError(
            f"the run folder {folder} is not safe: {problem[0]}", hint=problem[1]
        )


def is_private_folder(folder: StrPath) -> bool:
    """Return whether `require_private_folder` accepts a folder."""
    return _private_problem(folder) is None


def _private_problem(folder: StrPath) -> tuple[str, str] | None:
    """Return what is wrong with a folder and what helps, None when it is private."""
    elsewhere = "set ODBCTL_HOME to a path of at most 56 characters, whose sockets are inside it"
    try:
        status = os.lstat(folder)
    except OSError as error:
        return f"{error.strerror}", elsewhere
    if stat.S_ISLNK(status.st_mode):
        return "it is a symbolic link", elsewhere
    if not stat.S_ISDIR(status.st_mode):
        return "it is not a folder", elsewhere
    if status.st_uid != os.geteuid():
        return f"it belongs to {user_name(status.st_uid)}", elsewhere
    if status.st_mode & _OTHERS_CAN_USE:
        mode = stat.S_IMODE(status.st_mode)
        return f"other users can access it (mode {mode:o})", _command("chmod 700", folder)
    return None


def require_own(path: StrPath, what: str) -> None:
    """Refuse a file or folder of another user, or one that others can write to.

    What is not there is accepted. A link is judged by its target, and must itself
    belong to the user or to root.

    Args:
        path: The file or folder.
        what: What messages call it, as in "home".

    Raises:
        NotPermittedError: It is another user's, or others can write to it.
    """
    try:
        link, status = os.lstat(path), os.stat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise NotPermittedError(f"cannot read the {what} {path}: {error.strerror}") from error
    owner = status.st_uid
    if owner == os.geteuid() and link.st_uid not in (owner, _ROOT):
        owner = link.st_uid
    if owner != os.geteuid():
        raise NotPermittedError(
            f"the {what} {path} belongs to {user_name(owner)}, not to {user_name(os.geteuid())}",
            hint="run odbctl as that user, or set ODBCTL_HOME to a folder of your own",
        )
    _require_unwritable(path, what, status)


def require_trusted_settings(path: StrPath) -> None:
    """Refuse a file of settings of another user than root, or that others can write to.

    A group that has nobody else in it may write: that is how many systems make files.

    Raises:
        NotPermittedError: It is another user's, or others can write to it.
    """
    status = os.stat(path)
    if status.st_uid not in (os.geteuid(), _ROOT):
        raise NotPermittedError(
            f"the settings file {path} belongs to {user_name(status.st_uid)}",
            hint="work in another folder, or remove that file",
        )
    writers = status.st_mode & _OTHERS_CAN_WRITE
    if writers != stat.S_IWGRP or not _is_own_group(status.st_gid):
        _require_unwritable(path, "settings file", status)


def _require_unwritable(path: StrPath, what: str, status: os.stat_result) -> None:
    if status.st_mode & _OTHERS_CAN_WRITE:
        raise NotPermittedError(
            f"others can write to the {what} {path} ({stat.S_IMODE(status.st_mode):o})",
            hint=_command("chmod go-w", path),
        )


def _command(words: str, path: StrPath) -> str:
    import shlex

    return f"{words} {shlex.quote(os.fspath(path))}"


def _is_own_group(group_id: int) -> bool:
    """Return whether a group is the private one of this user, which has the user's name."""
    import grp
    import pwd

    if os.geteuid() == _ROOT or group_id != os.getegid():
        return False
    try:
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(group_id)
    except KeyError:
        return False
    return group.gr_name == user and set(group.gr_mem) <= {user}


def is_own_peer(connection: socket.socket) -> bool:
    """Return whether a process of this user, or root, is at the other end of a unix socket.

    Where the kernel does not tell (not on Linux), the folder's permissions decide.
    """
    import socket
    import struct

    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    layout = struct.Struct("3i")  # struct ucred: pid, uid, gid
    answer = connection.getsockopt(socket.SOL_SOCKET, option, layout.size)
    owner: int = layout.unpack(answer)[1]
    return owner in (os.geteuid(), _ROOT)


def user_name(number: int) -> str:
    """Return a user's name, or "user NUMBER" when the system has none."""
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
