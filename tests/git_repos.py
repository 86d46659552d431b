"""Real git repositories for tests."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class GitRepo:
    """A repository with a working tree, driven through the git command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> GitRepo:
        """Make an empty repository whose branch is `main`."""
        path.mkdir(parents=True)
        repo = cls(path)
        repo.git("init", "--quiet", "--initial-branch=main")
        return repo

    def git(self, *words: str) -> str:
        """Run a git command here and return what it printed."""
        done = subprocess.run(
            ["git", *words], cwd=self.path, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        """Write files, by their path in the repository, without a commit."""
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def commit(self, files: Mapping[str, str], message: str = "change") -> str:
        """Write the files, commit everything there is, and return the commit's hash."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self.head()

    def head(self) -> str:
        """Return the full hash of HEAD."""
        return self.git("rev-parse", "HEAD")


class GitRepoFactory(Protocol):
    """What the `git_repo` fixture is."""

    def __call__(self, name: str = "repo") -> GitRepo:
        """Make an empty repository in a folder of that name."""
        ...
