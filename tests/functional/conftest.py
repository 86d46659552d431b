"""A world of its own for each test; nothing of it may be left when the test has ended."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from git_repos import GitRepoFactory
from real_world import World, a_world

from odbctl.paths import Home


@pytest.fixture
def free_port() -> int:
    """Return a port of the loopback interface that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def world(home: Home, git_repo: GitRepoFactory) -> Iterator[World]:
    """Yield a world, with a repository of its own."""
    yield from a_world(home, git_repo("app"))
