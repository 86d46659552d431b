"""Where odbctl keeps its files.

`ODBCTL_HOME` puts everything below one folder; otherwise platformdirs decides
(the user's data, cache, state and runtime folders). Only names are made here:
nothing is created or read until `create()` or `run` is asked for.
"""

from __future__ import annotations

import os
import sys
from functools import cached_property
from pathlib import Path

from odbctl.errors import NotPermittedError

HOME_VARIABLE = "ODBCTL_HOME"
# sockaddr_un holds 108 bytes on Linux and 104 on macOS; socket names below need 40.
LONGEST_RUN_PATH_BYTES = 60


class Home:
    """The folders of one odbctl home."""

    def __init__(self, *, data: Path, cache: Path, state: Path) -> None:
        self.data = data
        self.cache = cache
        self.state = state

    @classmethod
    def at(cls, root: str | os.PathLike[str]) -> Home:
        """Return the home whose every file is below `root`."""
        try:
            folder = Path(os.path.abspath(root))
        except FileNotFoundError as error:
            raise NotPermittedError(
                f"the home {os.fspath(root)!r} is in the current folder, which has been removed",
                hint=f"set {HOME_VARIABLE} to an absolute path",
            ) from error
        return cls(data=folder, cache=folder / "cache", state=folder)

    @classmethod
    def default(cls) -> Home:
        """Return the home of `ODBCTL_HOME`, or else of the current user."""
        if root := os.environ.get(HOME_VARIABLE):
            return cls.at(root)
        if str(sys.platform) == "linux":
            return cls._of_linux()
        import platformdirs

        return cls(
            data=platformdirs.user_data_path("odbctl"),
            cache=platformdirs.user_cache_path("odbctl"),
            state=platformdirs.user_state_path("odbctl"),
        )

    @classmethod
    def _of_linux(cls) -> Home:
        """Return what platformdirs says on Linux, without the 10 ms of importing it.

        Source: the XDG Base Directory Specification; a test holds both equal.
        """

        def folder(variable: str, default: str) -> Path:
            found = os.environ.get(variable, "").strip()
            return Path(found or os.path.expanduser(default), "odbctl")

        return cls(
            data=folder("XDG_DATA_HOME", "~/.local/share"),
            cache=folder("XDG_CACHE_HOME", "~/.cache"),
            state=folder("XDG_STATE_HOME", "~/.local/state"),
        )

    def __repr__(self) -> str:
        return f"Home({str(self.data)!r})"

    @property
    def database(self) -> Path:
        """The SQLite file of the object database."""
        return self.data / "odbctl.db"

    @property
    def mirrors(self) -> Path:
        """Bare git mirrors, one per repository."""
        return self.cache / "mirrors"

    @property
    def checkouts(self) -> Path:
        """Read-only trees, one per repository and commit."""
        return self.cache / "checkouts"

    @property
    def runtime(self) -> Path:
        """A folder that holds the `odbctl` package and nothing beside it."""
        return self.cache / "runtime"

    @property
    def logs(self) -> Path:
        """Log files: one folder per service, and those of the managers."""
        return self.state / "logs"

    @cached_property
    def logs_text(self) -> str:
        """The same as text, for those who make many names below it."""
        return str(self.logs)

    @cached_property
    def figures_text(self) -> str:
        """What instances use, as files: one folder per service, and one file per host."""
        return str(self.state / "figures")

    @property
    def storage(self) -> Path:
        """Folders of the instances' own files."""
        return self.data / "storage"

    @property
    def crashes(self) -> Path:
        """Reports of unforeseen errors."""
        return self.state / "crashes"

    @cached_property
    def run(self) -> Path:
        """Sockets and locks (0700); outside the home when its path is too long."""
        inside = self.state / "run"
        if len(os.fsencode(inside)) <= LONGEST_RUN_PATH_BYTES:
            return inside
        import hashlib
        import tempfile

        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path(tempfile.gettempdir(), f"odbctl-{os.getuid()}-{digest}")

    def create(self) -> None:
        """Make the home's folders, readable by their owner only.

        Raises:
            NotPermittedError: The place is read-only or belongs to another user.
        """
        try:
            for folder in (self.data, self.cache, self.state, self.logs, self.run):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise NotPermittedError(
                f"cannot write to the home {self.data}: {error.strerror}",
                hint=f"set {HOME_VARIABLE} to a folder that you can write to",
            ) from error
        if self.run.stat().st_uid != os.getuid():
            raise NotPermittedError(f"{self.run} belongs to another user")
