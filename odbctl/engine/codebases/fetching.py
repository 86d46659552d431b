"""Filling a mirror: its creation, its fetches, what a killed git left in it.

Run under the lock of the mirror.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import shlex
from collections.abc import Generator, Sequence
from pathlib import Path

from odbctl.engine.codebases.git_command import (
    NO_PROTOCOL,
    GitIdleError,
    GitResult,
    git_environment,
    isolated_environment,
    run_git,
    ssh_environment,
)
from odbctl.engine.codebases.locations import is_remote
from odbctl.engine.codebases.progress import progress_listener
from odbctl.engine.codebases.storage import Report, git_failure, remove_tree
from odbctl.errors import CodebaseError
from odbctl.units import parse_duration

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
# How long a host may leave git without anything to print, and the variable that changes it.
IDLE_LIMIT = "60s"
IDLE_VARIABLE = "ODBCTL_GIT_IDLE_TIMEOUT"
_HEAD = re.compile(r"(HEAD|@|origin|origin/HEAD|refs/remotes/origin/HEAD)([~^@].*)?")
_EXACT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|refs/(?!heads/|tags/|odbctl/)[^~^@:*?\[\\]+")


def needs_head(ref: str) -> bool:
    """Return whether a ref can only be told by knowing the remote's default branch."""
    return _HEAD.fullmatch(ref) is not None


def is_exact(ref: str) -> bool:
    """Return whether a ref can be asked of a remote as it stands."""
    return _EXACT.fullmatch(ref) is not None


def find_head(mirror: Path, location: str) -> str | None:
    """Return the default branch of a remote repository, None when it names none.

    Raises:
        CodebaseError: The other host does not answer.
    """
    words = ("ls-remote", "--symref", "--", location, "HEAD")
    idle = idle_limit(location)
    with _answering(location):
        result = run_git(
            *_low_speed(idle),
            f"--git-dir={mirror}",
            *words,
            env=_network(location),
            guarded=True,
            idle_seconds=idle,
        )
    for line in result.text.splitlines():
        target, _, name = line.partition("\t")
        if name == "HEAD" and target.startswith("ref: refs/heads/"):
            return target.removeprefix("ref: refs/heads/")
    return None


def fetch(
    mirror: Path, location: str, words: Sequence[str], *, lock: int, report: Report | None
) -> GitResult:
    """Fetch into a mirror; `words` are further options, the location and refspecs.

    Git and its children end with this process.

    Raises:
        CodebaseError: The other host does not answer.
        UsageError: The limit in the environment is not a duration.
    """
    idle = idle_limit(location)
    listen = None
    if report is not None:
        report(f"fetching from {location}")
        listen = progress_listener(report)
    # A limit on silence needs a git that says that it is at work.
    talk = "--quiet" if report is None and idle is None else "--progress"
    options = ("--no-tags", "--no-recurse-submodules", talk)
    with _answering(location):
        return run_git(
            *_low_speed(idle),
            f"--git-dir={mirror}",
            "fetch",
            *options,
            *words,
            env=_network(location),
            keep_open=(lock,),
            on_talk=listen,
            guarded=True,
            idle_seconds=idle,
        )


def idle_limit(location: str) -> float | None:
    """Return how long git may print nothing while it talks to a host; None for no limit.

    Raises:
        UsageError: The limit in the environment is not a duration.
    """
    if not is_remote(location):
        return None
    return parse_duration(os.environ.get(IDLE_VARIABLE) or IDLE_LIMIT) or None


def _low_speed(idle_seconds: float | None) -> tuple[str, str]:
    """Return the options with which an HTTPS connection that stands still ends at the limit."""
    return ("-c", f"http.lowSpeedTime={math.ceil(idle_seconds or 0)}")  # 0: never


@contextlib.contextmanager
def _answering(location: str) -> Generator[None, None, None]:
    """Name the host, and what to do, when git hears nothing from it."""
    try:
        yield
    except GitIdleError as error:
        raise CodebaseError(
            f"cannot fetch from {location}: {error.message}; the host does not answer",
            hint=f"git ls-remote {shlex.quote(location)}    (must answer; set {IDLE_VARIABLE},"
            " such as 5m, if it is only slow)",
        ) from error


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
