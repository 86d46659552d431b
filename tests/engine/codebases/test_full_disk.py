"""A real disk that is full: a small one, mounted for one child process only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from git_repos import GitRepoFactory

ADD = """
import sys
from odbctl.engine.codebases.checkout import check_out
from odbctl.engine.codebases.repository import Mirror
from odbctl.errors import OdbctlError
from odbctl.paths import Home
home = Home.at(sys.argv[1])
try:
    mirror = Mirror(home, sys.argv[2])
    check_out(home, mirror, mirror.resolve("main").commit)
except OdbctlError as error:
    print(type(error).__name__, error.message)
print([path.name for path in home.checkouts.glob("[!.]*/*")])
"""
MOUNT = 'mount -t tmpfs -o "size=1500k,$1" tmpfs "$2" || exit 77; shift 2; exec "$@"'


def run_on_disk(options: str, disk: Path, repo: Path) -> list[str]:
    disk.mkdir()
    command = [sys.executable, "-c", ADD, str(disk / "home"), str(repo)]
    try:
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", MOUNT, "sh", options, str(disk), *command],
            check=False,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("a process may not mount a disk of its own here")
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "files",
    [
        # Compresses well: fetched, and then the tree does not fit.
        {f"{number}.txt": "text\n" * 4000 for number in range(100)},
        # Does not even fit when fetched.
        {f"{number}.txt": "".join(map(str, range(number * 9000, 9000 * number + 9000)))
         for number in range(100)},
    ],
)  # fmt: skip
def test_is_told_and_leaves_no_tree(
    tmp_path: Path, git_repo: GitRepoFactory, files: dict[str, str]
) -> None:
    repo = git_repo()
    repo.commit(files)
    error, left = run_on_disk("rw", tmp_path / "disk", repo.path)
    assert error.startswith("CodebaseError the disk that holds ")
    assert error.endswith(" is full")
    assert left == "[]"


def test_a_read_only_disk_is_told(tmp_path: Path, git_repo: GitRepoFactory) -> None:
    repo = git_repo()
    repo.commit({"a": ""})
    error, left = run_on_disk("ro", tmp_path / "disk", repo.path)
    assert error.startswith("NotPermittedError cannot write to ")
    assert left == "[]"
