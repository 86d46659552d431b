"""Where odbctl keeps its files.

`ODBCTL_HOME` puts everything below one folder; otherwise platformdirs decides
(the user's data, cache, state and runtime folders). Only names are made here:
nothing is created or read until `create()` or `run` is used.

Sockets and locks are inside the home when its path is short enough for the
addresses of sockets. Otherwise they are in the user's runtime folder, or below
the folder for temporary files. Which one it is may depend on the environment,
so the home records it: every process of a home must use the same.
"""

from __future__ import annotations

import os
import sys
from functools import cached_property

from odbctl.errors import NotPermittedError
from odbctl.light_typing import TYPE_CHECKING
from odbctl.ownership import is_private_folder, require_own, require_private_folder

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
        if _is_short(inside):
            return inside
        return self._recorded_run() or self._outside_run()

    @property
    def _run_record(self) -> str:
        """The file that names the folder of sockets outside the home."""
        return os.path.join(self.state_text, "run-folder")

    def _recorded_run(self) -> str | None:
        """Return the recorded folder, None when there is none that is still safe."""
        try:
            with open(self._run_record, "rb") as file:
                recorded = os.fsdecode(file.read())
            is_usable = os.path.isabs(recorded) and is_private_folder(recorded)
        except (OSError, ValueError):
            return None
        return recorded if is_usable else None

    def _outside_run(self) -> str:
        """Choose a folder outside the home.

        The folder below the temporary ones is taken first when it is there: earlier
        versions made it, and a manager or workers of theirs may listen in it.
        """
        import hashlib
        import tempfile

        digest = hashlib.sha256(os.fsencode(self.data_text)).hexdigest()[:12]
        name = f"odbctl-{os.geteuid()}-{digest}"
        temporary = os.path.join(tempfile.gettempdir(), name)
        if not _is_short(temporary):
            temporary = os.path.join("/tmp", name)
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        chosen = os.path.join(runtime, f"odbctl-{digest}")
        if is_private_folder(temporary):
            return temporary
        if os.path.isabs(runtime) and is_private_folder(runtime) and _is_short(chosen):
            return chosen
        return temporary

    def create(self) -> None:
        """Make the home's folders, readable by their owner only.

        Raises:
            NotPermittedError: The place is read-only, belongs to another user, or can be
                written to by others.
        """
        try:
            for folder in (self.data_text, self.cache_text, self.state_text, self.logs_text):
                os.makedirs(folder, mode=0o700, exist_ok=True)
            self.check()
            try:
                os.mkdir(self.run_text, 0o700)
            except FileExistsError:
                pass  # checked below
        except OSError as error:
            raise NotPermittedError(
                f"cannot write to the home {self.data_text}: {error.strerror}",
                hint=f"set {HOME_VARIABLE} to a folder that you can write to",
            ) from error
        require_private_folder(self.run_text)
        if os.path.dirname(self.run_text) != self.state_text:
            self._record_run()

    def check(self) -> None:
        """Refuse a home that is not the user's alone; what is not there is accepted.

        Raises:
            NotPermittedError: It belongs to another user, or others can write to it.
        """
        for folder in dict.fromkeys((self.data_text, self.cache_text, self.state_text)):
            require_own(folder, "home")
        require_own(self.database_text, "database")

    def _record_run(self) -> None:
        """Record which folder is used, or use the one that another process has recorded."""
        recorded = self._recorded_run()
        if recorded is None:
            aside = f"{self._run_record}.{os.getpid()}"
            try:
                with open(aside, "wb") as file:
                    file.write(os.fsencode(self.run_text))
                os.replace(aside, self._run_record)
            except OSError:  # a full disk: the next process makes the same choice again
                try:
                    os.unlink(aside)
                except FileNotFoundError:
                    pass  # it could not be made
        elif recorded != self.run_text:
            self.run_text = recorded
            self.__dict__.pop("run", None)


def _is_short(folder: str) -> bool:
    return len(os.fsencode(folder)) <= LONGEST_RUN_PATH_BYTES


def _path(text: str) -> Path:
    from pathlib import Path

    return Path(text)
