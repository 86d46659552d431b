"""Repositories of this host, as people name them: the one of this folder, its changes.

Read in the process that adds a codebase. No program that a repository names is run.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from odbctl.engine.codebases.git_folder import GitFolder
from odbctl.engine.codebases.locations import storable
from odbctl.engine.codebases.trees import check_size
from odbctl.errors import CodebaseError, OdbctlError
from odbctl.ownership import user_name

_MOST_FILTERS = 50


def find_repository(start: Path) -> str:
    """Return the location of the repository, work tree or bare, that `start` is in.

    Raises:
        CodebaseError: There is none.
        UsageError: Its path is not UTF-8 text.
    """
    around = GitFolder.around(start)
    top = around.run("rev-parse", "--show-toplevel")
    if top.exit_code == 0 and top.text:
        return storable(top.text)
    folder = around.run("rev-parse", "--absolute-git-dir")
    if folder.exit_code == 0:
        path = Path(folder.text)
        return storable(str(path.parent if path.name == ".git" else path))
    for place in (start, *start.parents):
        if (place / ".git").exists():
            raise unusable(str(place))
    raise CodebaseError(
        f"no git repository here: {start}", hint="name one with --repo PATH or --repo URL"
    )


def unusable(location: str) -> OdbctlError:
    """Return the error for a location where git finds no repository that it will read."""
    path = Path(location)
    if not path.is_dir():
        problem = "it is not a folder" if path.exists() else "there is no such folder"
        return CodebaseError(f"no repository at {location}: {problem}")
    for place in (path / ".git", path):
        if place.exists() and (owner := place.stat().st_uid) != os.geteuid():
            return CodebaseError(
                f"git does not trust the repository {location}: it belongs to {user_name(owner)}",
                hint=f"git config --global --add safe.directory {shlex.quote(location)}",
            )
    around = GitFolder.around(location).run("rev-parse", "--show-toplevel")
    if around.exit_code == 0 and around.text:
        return CodebaseError(
            f"no repository at {location}: it is a folder inside a repository",
            hint=f"--repo {shlex.quote(around.text)}",
        )
    reason = GitFolder.at_location(location).run("rev-parse", "--git-dir").reason
    return CodebaseError(f"no repository at {location}: {reason}")


def dirty_note(location: str, commit: str | None = None) -> str | None:
    """Return a sentence about the changes that the commit of HEAD does not have.

    Submodules are not looked into, and files are compared without filters: both
    would run programs that the repository names.

    Args:
        location: A normalised location; only work trees of this host can be dirty.
        commit: The commit that will be used; there is no note when HEAD is another one.

    Returns:
        None, too, when git cannot compare the work tree, or not within its bounds.
    """
    if not location.startswith("/"):
        return None
    folder = GitFolder.at_location(location)
    head = folder.find_commit("HEAD")
    if head is None or (commit is not None and commit != head):
        return None
    try:
        check_size(folder, head)
        count = _count_changes(folder, location)
    except CodebaseError:
        return None
    if not count:
        return None
    files = "1 changed file is" if count == 1 else f"{count} changed files are"
    return f"{files} not in commit {head[:7]}: only the commit is used"


def _count_changes(folder: GitFolder, location: str) -> int:
    """Return the number of files that are changed, staged or not tracked."""
    settings = _settings_without_filters(folder)
    is_bare = folder.run("rev-parse", "--is-bare-repository").text == "true"
    if settings is None or is_bare:
        return 0
    words = ("status", "--porcelain=v2", "-z", "--no-renames", "--ignore-submodules=all")
    # The repository may name another work tree, as the whole disk.
    status = folder.run(f"--work-tree={location}", *words, settings=settings)
    if status.exit_code != 0:
        return 0
    return sum(1 for line in status.text.split("\0") if line[:2] in ("1 ", "2 ", "u ", "? "))


def _settings_without_filters(folder: GitFolder) -> tuple[str, ...] | None:
    """Return the settings that switch every configured filter off.

    Returns:
        None when a filter has a name that cannot be overridden.
    """
    named = folder.run("config", "-z", "--name-only", "--get-regexp", r"^filter\.")
    drivers = {name.removeprefix("filter.").rpartition(".")[0] for name in named.text.split("\0")}
    drivers.discard("")
    if len(drivers) > _MOST_FILTERS or any("=" in driver for driver in drivers):
        return None
    off = ("clean=", "smudge=", "process=", "required=false")
    return tuple(f"filter.{driver}.{setting}" for driver in sorted(drivers) for setting in off)
