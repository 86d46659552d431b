"""What every test may ask for, and the environment that all of them run in."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from git_repos import GitRepo, GitRepoFactory
from hypothesis import settings

from odbctl.paths import HOME_VARIABLE, Home

# Two busy cores make any single example slow now and then: that is no failure.
settings.register_profile("odbctl", deadline=None, derandomize="ODBCTL_EXPLORE" not in os.environ)
settings.load_profile("odbctl")

FOREIGN_PREFIXES = ("GIT_", "ODBCTL_", "XDG_")
GIT_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Ann Author",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Carl Committer",
    "GIT_COMMITTER_EMAIL": "carl@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run twice as many tests at a time as there are processors: most wait for something."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let nothing of the person who runs the tests reach them."""
    # A shell's background job ignores Ctrl-C, and so would all that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(FOREIGN_PREFIXES)]:
            patch.delenv(name)
        for name, value in GIT_ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("user")))
        yield


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """Yield an empty home of the test's own, named by ODBCTL_HOME.

    Its path is short, because it is part of the paths of unix sockets.
    """
    folder = tempfile.mkdtemp(prefix="odb-", dir="/tmp")
    monkeypatch.setenv(HOME_VARIABLE, folder)
    yield Home.at(folder)
    remove_tree(Path(folder))


@pytest.fixture
def git_repo(tmp_path: Path) -> GitRepoFactory:
    """Return a function that makes a real, empty git repository."""

    def create(name: str = "repo") -> GitRepo:
        return GitRepo.create(tmp_path / name)

    return create


def remove_tree(folder: Path) -> None:
    """Remove a folder, its read-only checkouts included."""
    for place, _, _ in os.walk(folder):
        os.chmod(place, 0o700)
    shutil.rmtree(folder)
