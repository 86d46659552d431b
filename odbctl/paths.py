"""Where odbctl keeps its files.

`ODBCTL_HOME` puts everything below one folder; otherwise platformdirs decides
(the user's data, cache, state and runtime folders). Only names are made here:
nothing is created or read until `create()` or `run` is asked for.
"""

from __future__ import annotations

import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING

from odbctl.errors import NotPermittedError

if TYPE_CHECKING:
    from pathlib import Path

HOME_VARIABLE = "ODBCTL_HOME"
# sockaddr_un holds 108 bytes on Linux and 104 on macOS; socket names below need 40.
LONGEST_RUN_PATH_BYTES = 60


class Home:
    """The folders of one odbctl home.

    Kept as text, with a `Path` of each made when it is asked for: importing pathlib costs a
    quick command 5 ms, a tenth of its time.
    """

    def __init__(
        self,
        *,
        data: str | os.PathLike[str],
        cache: str | os.PathLike[str],
        state: str | os.PathLike[str],
    ) -> None:
        self.data_text = os.fspath(data)
        self.cache_text = os.fspath(cache)
        self.state_text = os.fspath(state)

    @cached_property
    def data(self) -> Path:
        """Where the database and the files of instances are."""
        return _path(self.data_text)

    @cached_property
    def cache(self) -> Path:
        """Where mirrors and checkouts are: everything here can be made again."""
        return _path(self.cache_text)

    @cached_property
    def state(self) -> Path:
        """Where logs and metrics are."""
        return _path(self.state_text)

    @classmethod
    def at(cls, root: str | os.PathLike[str]) -> Home:
        """Return the home whose every file is below `root`."""
        try:
            folder = os.path.abspath(root)
        except FileNotFoundError as error:
            raise NotPermittedError(
                f"the home {os.fspath(root)!r} is in the current folder, which has been removed",
                hint=f"set {HOME_VARIABLE} to an absolute path",
            ) from error
        return cls(data=folder, cache=os.path.join(folder, "cache"), state=folder)

    @classmethod
    def default(cls) -> Home:
        """Return the home of `ODBCTL_HOME`, or else of the current user."""
        if root := os.environ.get(HOME_VARIABLE):
            return cls.at(root)
        if str(sys.platform) == "linux":
            return cls._of_linux()
        import platformdirs

        return cls(
            data=platformdirs.user_data_dir("odbctl"),
            cache=platformdirs.user_cache_dir("odbctl"),
            state=platformdirs.user_state_dir("odbctl"),
        )

    @classmethod
    def _of_linux(cls) -> Home:
        """Return what platformdirs says on Linux, without the 10 ms of importing it.

        Source: the XDG Base Directory Specification; a test holds both equal.
        """

        def folder(variable: str, default: str) -> str:
            found = os.environ.get(variable, "").strip()
            return os.path.join(found or os.path.expanduser(default), "odbctl")

        return cls(
            data=folder("XDG_DATA_HOME", "~/.local/share"),
            cache=folder("XDG_CACHE_HOME", "~/.cache"),
            state=folder("XDG_STATE_HOME", "~/.local/state"),
        )

    def __repr__(self) -> str:
        return f"Home({self.data_text!r})"

    @property
    def database(self) -> Path:
        """The SQLite file of the object database."""
        return self.data / "odbctl.db"

    @property
    def database_text(self) -> str:
        """The same as text."""
        return os.path.join(self.data_text, "odbctl.db")

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
        return os.path.join(self.state_text, "logs")

    @cached_property
    def figures_text(self) -> str:
        """What instances use, as files: one folder per service, and one file per host."""
        return os.path.join(self.state_text, "figures")

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
        return _path(self.run_text)

    @cached_property
    def run_text(self) -> str:
        """The same as text."""
        inside = os.path.join(self.state_text, "run")
        if len(os.fsencode(inside)) <= LONGEST_RUN_PATH_BYTES:
            return inside
        import hashlib
        import tempfile

        digest = hashlib.sha256(os.fsencode(self.data_text)).hexdigest()[:12]
        return os.path.join(tempfile.gettempdir(), f"odbctl-{os.getuid()}-{digest}")

    def create(self) -> None:
        """Make the home's folders, readable by their owner only.

        Raises:
            NotPermittedError: The place is read-only or belongs to another user.
        """
        try:
            for folder in (
                *(self.data_text, self.cache_text, self.state_text),
                *(self.logs_text, self.run_text),
            ):
                os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError as error:
            raise NotPermittedError(
                f"cannot write to the home {self.data_text}: {error.strerror}",
                hint=f"set {HOME_VARIABLE} to a folder that you can write to",
            ) from error
        if os.stat(self.run_text).st_uid != os.getuid():
            raise NotPermittedError(f"{self.run_text} belongs to another user")


def _path(text: str) -> Path:
    from pathlib import Path

    return Path(text)
