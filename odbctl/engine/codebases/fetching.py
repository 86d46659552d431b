"""Filling a mirror: its creation, its fetches, what a killed git left in it.

Run under the lock of the mirror.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from odbctl.engine.codebases.git_command import (
    NO_PROTOCOL,
    GitResult,
    git_environment,
    isolated_environment,
    run_git,
    ssh_environment,
)
from odbctl.engine.codebases.progress import progress_listener
from odbctl.engine.codebases.storage import Report, git_failure, remove_tree
from odbctl.errors import CodebaseError

OLDEST_GIT = (2, 25)
# Each branch under both names by which a clone knows it.
ALL_REFS = (
    "+refs/heads/*:refs/heads/*",
    "+refs/heads/*:refs/remotes/origin/*",
    "+refs/tags/*:refs/tags/*",
)
# One commit without its history, even one that no branch reaches; the reading
# side looks for no new deltas, which halves the time. A shell runs the command,
# with the source's own configuration: it must not fetch what is missing there.
ONE_COMMIT = (
    "--depth=1",
    f"--upload-pack=GIT_ALLOW_PROTOCOL={NO_PROTOCOL} GIT_NO_LAZY_FETCH=1"
    " git -c uploadpack.allowAnySHA1InWant=true -c pack.window=0 upload-pack",
)
_HEAD = re.compile(r"(HEAD|@|origin|origin/HEAD|refs/remotes/origin/HEAD)([~^@].*)?")
_EXACT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|refs/(?!heads/|tags/|odbctl/)[^~^@:*?\[\\]+")


def needs_head(ref: str) -> bool:
    """Return whether a ref can only be told by knowing the remote's default branch."""
    return _HEAD.fullmatch(ref) is not None


def is_exact(ref: str) -> bool:
    """Return whether a ref can be asked of a remote as it stands."""
    return _EXACT.fullmatch(ref) is not None


def find_head(mirror: Path, location: str) -> str | None:
    """Return the default branch of a remote repository, None when it names none."""
    words = ("ls-remote", "--symref", "--", location, "HEAD")
    result = run_git(f"--git-dir={mirror}", *words, env=_network(location))
    for line in result.text.splitlines():
        target, _, name = line.partition("\t")
        if name == "HEAD" and target.startswith("ref: refs/heads/"):
            return target.removeprefix("ref: refs/heads/")
    return None


def fetch(
    mirror: Path, location: str, words: Sequence[str], *, lock: int, report: Report | None
) -> GitResult:
    """Fetch into a mirror; `words` are further options, the location and refspecs."""
    command = [f"--git-dir={mirror}", "fetch", "--no-tags", "--no-recurse-submodules"]
    env = _network(location)
    if report is None:
        return run_git(*command, "--quiet", *words, env=env, keep_open=(lock,))
    report(f"fetching from {location}")
    listen = progress_listener(report)
    return run_git(*command, "--progress", *words, env=env, keep_open=(lock,), on_talk=listen)


def _network(location: str) -> dict[str, str]:
    uses_ssh = location.startswith("ssh://") or ("://" not in location and location[0] != "/")
    return ssh_environment() if uses_ssh else git_environment()


def create_mirror(path: Path, *, hash_length: int) -> None:
    """Make an empty bare repository, aside first.

    Raises:
        CodebaseError: Git is too old, or cannot write there.
        OSError: The folders cannot be made.
    """
    check_git_version()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".new-{path.name}")
    remove_tree(aside)
    # Only git from 2.29 knows other formats, and their option.
    formats = ("--object-format=sha256",) if hash_length == 64 else ()
    words = ("init", "--quiet", "--bare", "--template=", *formats, "--", str(aside))
    made = run_git(*words, env=isolated_environment())
    if made.exit_code != 0:
        raise git_failure(made, path.parent, f"cannot make the mirror {path}")
    os.rename(aside, path)


def check_git_version() -> str:
    """Return git's version.

    Raises:
        CodebaseError: There is no git, or it is too old.
    """
    text = run_git("version").text
    numbers = tuple(int(number) for number in re.findall(r"\d+", text)[:2])
    if numbers < OLDEST_GIT:
        raise CodebaseError(f"{text} is too old", hint="install git 2.25 or newer")
    return text.removeprefix("git version ")


def remove_stale_locks(mirror: Path) -> None:
    """Remove the lock files of a git that was killed; ours says that none is at work."""
    places = [mirror, mirror / "objects" / "info"]
    for folder, _, _ in os.walk(mirror / "refs"):
        places.append(Path(folder))
    for place in places:
        for path in place.glob("*.lock"):
            path.unlink(missing_ok=True)
