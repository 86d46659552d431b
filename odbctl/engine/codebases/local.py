"""Repositories of this host, as people name them: the one of this folder, its changes."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from odbctl.engine.codebases.git_command import run_git
from odbctl.engine.codebases.git_folder import GitFolder
from odbctl.errors import CodebaseError, OdbctlError


def find_repository(start: Path) -> str:
    """Return the location of the repository, work tree or bare, that `start` is in.

    Raises:
        CodebaseError: There is none.
    """
    top = run_git("-C", str(start), "rev-parse", "--show-toplevel")
    if top.exit_code == 0 and top.text:
        return top.text
    folder = run_git("-C", str(start), "rev-parse", "--absolute-git-dir")
    if folder.exit_code == 0:
        path = Path(folder.text)
        return str(path.parent if path.name == ".git" else path)
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
                f"git does not trust the repository {location}: it belongs to {_user(owner)}",
                hint=f"git config --global --add safe.directory {location}",
            )
    around = run_git("-C", location, "rev-parse", "--show-toplevel")
    if around.exit_code == 0 and around.text:
        return CodebaseError(
            f"no repository at {location}: it is a folder inside of one",
            hint=f"--repo {around.text}",
        )
    reason = GitFolder.at_location(location).run("rev-parse", "--git-dir").reason
    return CodebaseError(f"no repository at {location}: {reason}")


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def dirty_note(location: str, commit: str | None = None) -> str | None:
    """Return a sentence about the changes that the commit of HEAD does not have.

    Args:
        location: A normalised location; only work trees of this host can be dirty.
        commit: What is going to be used; nothing is said when HEAD is another commit.
    """
    if not location.startswith("/"):
        return None
    words = ("status", "--porcelain=v2", "--branch", "-z", "--no-renames")
    status = GitFolder.at_location(location).run(*words)
    if status.exit_code != 0:  # a bare repository has no work tree
        return None
    lines = status.text.split("\0")
    head = next((x.split()[2] for x in lines if x.startswith("# branch.oid ")), "")
    count = sum(1 for line in lines if line[:2] in ("1 ", "2 ", "u ", "? "))
    if count == 0 or (commit is not None and commit != head):
        return None
    files = "1 changed file is" if count == 1 else f"{count} changed files are"
    return f"{files} not in commit {head[:7]}: only the commit is used"
