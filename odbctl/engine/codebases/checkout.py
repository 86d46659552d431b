"""The trees of commits: written once, aside, renamed into place, then read-only.

A folder of that name is a whole checkout: what is half-written has another
name, which only the holder of the repository's lock touches. Run by the
process that adds a codebase; several may do so at once.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from odbctl.engine.codebases.commits import is_full_hash
from odbctl.engine.codebases.mirror import Mirror
from odbctl.engine.codebases.storage import LOCKS_FOLDER, locked, remove_tree, size_bytes, writing
from odbctl.engine.codebases.trees import write_tree
from odbctl.errors import UsageError
from odbctl.paths import Home
from odbctl.units import size

# Names that no commit has: trees that are being written, or removed.
_NEW = ".new-"
_GONE = ".gone-"


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneResult:
    """What was removed from the cache."""

    checkouts: tuple[Path, ...]
    mirrors: tuple[Path, ...]
    leftovers: tuple[Path, ...]
    freed_bytes: int

    def __str__(self) -> str:
        counts = (
            (self.checkouts, "checkout"),
            (self.mirrors, "mirror"),
            (self.leftovers, "leftover"),
        )
        parts = [f"{len(x)} {word}{'' if len(x) == 1 else 's'}" for x, word in counts if x]
        if not parts:
            return "nothing to remove"
        return f"removed {', '.join(parts)}, {size(self.freed_bytes)}"


def checkout_path(home: Home, mirror: Mirror, commit: str) -> Path:
    """Return where the tree of a commit is, or would be."""
    return home.checkouts / mirror.key / commit


def check_out(home: Home, mirror: Mirror, commit: str) -> Path:
    """Return the read-only tree of a commit that the mirror has, writing it if need be.

    Calling it again, or in several processes at once, gives the same folder.

    Args:
        home: Where checkouts are.
        mirror: The mirror that resolved the commit.
        commit: The full hash.

    Raises:
        CodebaseError: The commit has submodules, Git LFS pointers or links
            that lead outside; or the disk is full.
        NotPermittedError: The cache is read-only.
    """
    if not is_full_hash(commit):
        raise UsageError(f"{commit!r} is not a full commit hash")
    path = checkout_path(home, mirror, commit)
    if path.is_dir():
        return path
    with locked(home.checkouts, mirror.key) as lock, writing(home.checkouts):
        if not path.is_dir():
            path.parent.mkdir(exist_ok=True, mode=0o700)
            aside = path.with_name(_NEW + commit)
            remove_tree(aside)  # of one that was killed
            try:
                write_tree(mirror.path, commit, aside, lock=lock)
                os.rename(aside, path)
            finally:
                remove_tree(aside)
    return path


def remove_checkout(home: Home, path: Path) -> None:
    """Remove a checkout; one that is gone already is no error.

    Raises:
        UsageError: The path is not one that `check_out` gives.
    """
    if path.parent.parent != home.checkouts or not is_full_hash(path.name):
        raise UsageError(f"{path} is not a checkout")
    with locked(home.checkouts, path.parent.name), writing(home.checkouts):
        _remove_whole(path)
        _remove_empty(path.parent)


def _remove_whole(path: Path) -> None:
    """Take the name away first, so that a half-removed tree is never used."""
    gone = path.with_name(_GONE + path.name)
    remove_tree(gone)
    try:
        os.rename(path, gone)
    except FileNotFoundError:
        return
    remove_tree(gone)


def _remove_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def prune(home: Home, keep: Collection[Path]) -> PruneResult:
    """Remove every checkout but those to keep, what killed processes left, and idle mirrors.

    Args:
        home: Whose cache it is.
        keep: Paths that `check_out` gave and that are still in use.
    """
    kept = frozenset(keep)
    checkouts: list[Path] = []
    leftovers: list[Path] = []
    freed = 0
    for folder in _folders(home.checkouts):
        with locked(home.checkouts, folder.name), writing(home.checkouts):
            for path in [path for path in folder.iterdir() if path not in kept]:
                freed += size_bytes(path) if path.is_dir() else 0
                if is_full_hash(path.name):
                    checkouts.append(path)
                    _remove_whole(path)
                else:
                    leftovers.append(path)
                    _remove_leftover(path)
            _remove_empty(folder)
    mirrors, mirror_bytes = _prune_mirrors(home, {path.parent.name for path in kept})
    return PruneResult(
        checkouts=tuple(checkouts),
        mirrors=mirrors,
        leftovers=tuple(leftovers),
        freed_bytes=freed + mirror_bytes,
    )


def _remove_leftover(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)


def _prune_mirrors(home: Home, kept_keys: set[str]) -> tuple[tuple[Path, ...], int]:
    removed: list[Path] = []
    freed = 0
    for path in _folders(home.mirrors):
        key = path.name.removeprefix(_NEW).removeprefix(_GONE)
        if path.name in kept_keys:
            continue
        with locked(home.mirrors, key), writing(home.mirrors):
            freed += size_bytes(path)
            gone = path.with_name(_GONE + key)
            if path != gone:
                remove_tree(gone)
                os.rename(path, gone)
            remove_tree(gone)
            removed.append(path)
    return tuple(removed), freed


def _folders(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.is_dir() and path.name != LOCKS_FOLDER:
                yield path
