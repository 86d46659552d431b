"""Writing the tree of a commit into a new folder, and judging it.

Nothing of the repository runs: no hook, no filter, no setting of user or
system. What a read-only tree cannot hold is refused by name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from odbctl.engine.codebases.git_command import isolated_environment, run_git
from odbctl.engine.codebases.storage import git_failure
from odbctl.errors import CodebaseError

_LINK = "120000"
_SUBMODULE = "160000"
_EXECUTABLE = "100755"
# Git LFS: a pointer is shorter than 1024 bytes and starts with its version.
_LFS_START = b"version https://git-lfs.github.com/spec/"
_LFS_LONGEST_BYTES = 1024
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, a link or a submodule of a commit."""

    mode: str
    path: str


def write_tree(mirror: Path, commit: str, folder: Path, *, lock: int) -> None:
    """Write a commit's tree into a new folder and make it read-only.

    Args:
        mirror: The bare repository that has the commit.
        commit: Its full hash.
        folder: Does not exist; its parent does.
        lock: The descriptor of a lock that git holds on to while it writes.

    Raises:
        CodebaseError: The commit holds what cannot be checked out.
        OSError: A file cannot be written.
    """
    entries = list_entries(mirror, commit)
    _refuse_submodules(entries, commit)
    index = folder.with_name(folder.name + ".index")
    index.unlink(missing_ok=True)
    folder.mkdir(mode=0o700)
    try:
        _run_checkout(mirror, commit, folder, index, lock)
    finally:
        index.unlink(missing_ok=True)
    _refuse_escapes(folder, entries, commit)
    _refuse_pointers(folder, entries, commit)
    _make_read_only(folder, entries)


def list_entries(mirror: Path, commit: str) -> tuple[Entry, ...]:
    """Return everything in a commit's tree but its folders.

    Raises:
        CodebaseError: The mirror does not have the commit.
    """
    words = (f"--git-dir={mirror}", "ls-tree", "-r", "-z", "--full-tree", commit)
    listed = run_git(*words, env=isolated_environment())
    if listed.exit_code != 0:
        raise _damaged(mirror, listed.reason)
    lines = os.fsdecode(listed.output).split("\0")[:-1]
    return tuple(Entry(mode=line[:6], path=line.partition("\t")[2]) for line in lines)


def _damaged(mirror: Path, reason: str) -> CodebaseError:
    hint = f"remove {mirror}; it is fetched again"
    return CodebaseError(f"the mirror of the repository is damaged: {reason}", hint=hint)


def _run_checkout(mirror: Path, commit: str, folder: Path, index: Path, lock: int) -> None:
    env = isolated_environment() | {"GIT_INDEX_FILE": str(index)}
    where = (
        f"--git-dir={mirror}",
        f"--work-tree={folder}",
        *("-c", "core.bare=false", "-c", "core.autocrlf=false", "-c", "core.symlinks=true"),
        *("-c", "core.attributesFile=/dev/null", "-c", "checkout.workers=0"),
    )
    for words in (("read-tree", commit), ("checkout-index", "--all", "--force", "--quiet")):
        result = run_git(*where, *words, env=env, keep_open=(lock,))
        if result.exit_code != 0:
            raise git_failure(result, folder.parent, f"cannot check out {commit[:12]}")


def _refuse_submodules(entries: Iterable[Entry], commit: str) -> None:
    paths = [entry.path for entry in entries if entry.mode == _SUBMODULE]
    if paths:
        raise CodebaseError(
            f"commit {commit[:12]} has submodules, which are not checked out: {_name(paths)}",
            hint="add their files to the repository, for example with git subtree",
        )


def _refuse_escapes(folder: Path, entries: Iterable[Entry], commit: str) -> None:
    root = os.path.realpath(folder)
    links = [entry.path for entry in entries if entry.mode == _LINK]
    outside = [path for path in links if _escapes(root, path)]
    if outside:
        raise CodebaseError(
            f"commit {commit[:12]} has links that lead out of its tree: {_name(outside)}",
            hint="a checkout cannot reach outside its folder: make the links relative and inner",
        )


def _escapes(root: str, path: str) -> bool:
    link = os.path.join(root, path)
    if os.path.isabs(os.readlink(link)):
        return True
    target = os.path.realpath(link)
    return target != root and not target.startswith(root + os.sep)


def _refuse_pointers(folder: Path, entries: Iterable[Entry], commit: str) -> None:
    files = (entry.path for entry in entries if entry.mode != _LINK)
    pointers = [path for path in files if _is_pointer(os.path.join(folder, path))]
    if pointers:
        raise CodebaseError(
            f"commit {commit[:12]} has files that are only Git LFS pointers: {_name(pointers)}",
            hint="add the files themselves to the repository: git lfs migrate export",
        )


def _is_pointer(path: str) -> bool:
    size = os.stat(path).st_size
    if not len(_LFS_START) < size < _LFS_LONGEST_BYTES:
        return False
    with open(path, "rb", buffering=0) as file:
        return file.read(len(_LFS_START)) == _LFS_START


def _make_read_only(folder: Path, entries: Iterable[Entry]) -> None:
    folders = {""}
    for entry in entries:
        if entry.mode != _LINK:
            mode = 0o555 if entry.mode == _EXECUTABLE else 0o444
            os.chmod(os.path.join(folder, entry.path), mode)
        parent = os.path.dirname(entry.path)
        while parent not in folders:
            folders.add(parent)
            parent = os.path.dirname(parent)
    for name in folders:
        os.chmod(os.path.join(folder, name), 0o555)


def _name(paths: Sequence[str]) -> str:
    named = ", ".join(repr(path) for path in paths[:_MOST_NAMED])
    more = len(paths) - _MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named
