"""Writing the tree of a commit into a new folder, and checking its contents.

Nothing of the repository runs: no hook, no filter, no setting of user or
system. Submodules, links out of the tree and Git LFS pointers are refused by
name. Trees are measured before they are written: a few kilobytes of objects
that refer to each other can describe billions of files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from odbctl.engine.codebases.git_command import isolated_environment, run_git
from odbctl.engine.codebases.git_folder import GitFolder
from odbctl.engine.codebases.storage import git_failure
from odbctl.errors import CodebaseError

_LINK = "120000"
_SUBMODULE = "160000"
_EXECUTABLE = "100755"
# Git LFS: a pointer is shorter than 1024 bytes and starts with its version.
_LFS_START = b"version https://git-lfs.github.com/spec/"
_LFS_LONGEST_BYTES = 1024
_MOST_NAMED = 5
# Folders count, too. The largest public repositories have some 400,000 files.
MOST_ENTRIES = 500_000
MOST_TREE_BYTES = 16 * 2**30
LONGEST_PATH_BYTES = 4096  # PATH_MAX of Linux


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
        CodebaseError: The commit holds what cannot be checked out, or too much.
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
        CodebaseError: The mirror does not have the commit, or the tree is too large.
    """
    listing = _Listing(commit)
    listed = GitFolder.mirror(mirror).run(*_list_words(commit), on_output=listing.feed)
    if listed.exit_code != 0:
        raise _damaged(mirror, listed.reason)
    return tuple(listing.entries)


def check_size(folder: GitFolder, commit: str) -> None:
    """Refuse a commit whose tree is too large to be listed or compared.

    Raises:
        CodebaseError: It has too many files, too long paths or too many bytes.
    """
    folder.run(*_list_words(commit), on_output=_Listing(commit, is_kept=False).feed)


def _list_words(commit: str) -> tuple[str, ...]:
    # Folders are listed, too: a tree of nothing but folders would print nothing, for ever.
    return ("ls-tree", "-r", "-t", "-l", "-z", "--full-tree", commit)


class _Listing:
    """Takes the output of `git ls-tree -r -t -l -z` piece by piece, and refuses too much of it."""

    def __init__(self, commit: str, *, is_kept: bool = True) -> None:
        self.entries: list[Entry] = []
        self._commit = commit
        self._is_kept = is_kept
        self._rest = b""
        self._count = 0
        self._bytes = 0

    def feed(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            CodebaseError: The tree is too large.
        """
        *lines, self._rest = (self._rest + piece).split(b"\0")
        for line in lines:
            self._take(line)
        if len(self._rest) > 2 * LONGEST_PATH_BYTES:
            self._refuse(f"a path of more than {LONGEST_PATH_BYTES} bytes")

    def _take(self, line: bytes) -> None:
        facts, _, path = line.partition(b"\t")
        mode, kind, _, size = facts.split()
        self._count += 1
        self._bytes += int(size) if size.isdigit() else 0  # only files have one
        if self._count > MOST_ENTRIES:
            self._refuse(f"more than {MOST_ENTRIES:,} files and folders")
        if self._bytes > MOST_TREE_BYTES:
            self._refuse(f"more than {MOST_TREE_BYTES >> 30} GB in its files")
        if len(path) > LONGEST_PATH_BYTES:
            self._refuse(f"a path of more than {LONGEST_PATH_BYTES} bytes")
        if self._is_kept and kind != b"tree":
            self.entries.append(Entry(mode=mode.decode(), path=os.fsdecode(path)))

    def _refuse(self, excess: str) -> NoReturn:
        raise CodebaseError(
            f"commit {self._commit[:12]} is too large to check out: it has {excess}",
            hint="odbctl codebase add REF --repo PATH    (a repository of only the code)",
        )


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
        takes_long = words[0] == "checkout-index"
        result = run_git(*where, *words, env=env, keep_open=(lock,), guarded=takes_long)
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
            f"commit {commit[:12]} has symbolic links that point outside of it: {_name(outside)}",
            hint="make them relative links to files of the repository",
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
