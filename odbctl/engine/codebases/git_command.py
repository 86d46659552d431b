"""The git command, run so that a repository cannot choose what is executed.

A repository's own configuration may name programs: filters, a file system
monitor, an ssh command, the upload-pack of a partial clone. Whoever wrote the
repository wrote that, too. So git runs

- in the root folder, never in the caller's: the repository there has no say
  in commands about another one;
- without hooks, file system monitor, submodules and lazy fetches;
- with every protocol switched off, unless the command has to fetch;
- with bounded output, because a small repository can describe an endless tree;
- below a guard where it takes long, so that it ends when its caller is killed.
  Short reads have none, which would cost more than they do: they wait for
  nobody, and end by themselves.

Called by the rest of this package, in the process that adds a codebase. Git
is run directly, not through GitPython, because importing that costs as much
as forty git calls, and because it cannot take variables away: we may be run
from a hook, whose GIT_DIR would lead every command to the wrong repository.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import IO

from odbctl.errors import CodebaseError
from odbctl.masking import mask_text
from odbctl.units import exact_duration

# What a user may say to git about reaching hosts; every other GIT_* is dropped.
_KEPT_PREFIXES = ("GIT_SSH", "GIT_SSL_", "GIT_HTTP_", "GIT_PROXY", "GIT_CONFIG_", "GIT_EXEC_PATH")
_DROPPED = ("GIT_CONFIG_PARAMETERS",)
ALLOWED_PROTOCOLS = "file:https:ssh"
NO_PROTOCOL = "none"  # no transport has this name
# Git finds no repository in this folder, nor above it.
NEUTRAL_FOLDER = "/"
_SSH_OPTIONS = "-o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15"

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "log.showSignature=false",
    "status.submoduleSummary=false",
    "submodule.recurse=false",
    "protocol.version=2",  # lets a commit be fetched that no branch reaches
    "advice.detachedHead=false",
    "http.lowSpeedLimit=1",  # bytes a second; the time is that of each command
)
_SETTING_OPTIONS = tuple(word for setting in _SETTINGS for word in ("-c", setting))

# Standard output beyond this is refused, unless the caller reads it piece by piece.
MOST_OUTPUT_BYTES = 64 * 2**20
# Of standard error, the end is kept: the cause is in the last lines.
_MOST_TALK_BYTES = 64 * 2**10
_PIECE_BYTES = 64 * 2**10

# How often to check whether git should be stopped, where it can be.
_ASK_SECONDS = 0.1
_should_stop: ContextVar[Callable[[], bool] | None] = ContextVar("should_stop", default=None)

# Lines that say nothing about the cause.
_BOILERPLATE = (
    "hint:",
    "warning:",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
    "fatal: Could not read from remote repository.",
)


class GitIdleError(CodebaseError):
    """Git printed nothing for longer than it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitResult:
    """What a git command said."""

    exit_code: int
    output: bytes
    talk: str

    @property
    def text(self) -> str:
        """Standard output without its last line end."""
        return os.fsdecode(self.output).removesuffix("\n")

    @property
    def reason(self) -> str:
        """The last line of standard error that says something."""
        lines = [line.strip() for line in self.talk.splitlines()]
        kept = [line for line in lines if line and not line.startswith(_BOILERPLATE)]
        if kept:
            return mask_text(kept[-1].removeprefix("fatal: ").removeprefix("error: "))
        return mask_text(lines[-1]) if lines else f"git ended with exit code {self.exit_code}"


def run_git(
    *words: str,
    env: dict[str, str] | None = None,
    stdin: bytes | None = None,
    keep_open: Sequence[int] = (),
    on_output: Callable[[bytes], None] | None = None,
    on_talk: Callable[[bytes], None] | None = None,
    guarded: bool = False,
    idle_seconds: float | None = None,
) -> GitResult:
    """Run git to its end and return its output, whatever its exit code.

    Git is ended when a callback raises an exception.

    Args:
        *words: The sub-command and its arguments, after `-C` or `--git-dir`.
            Paths are absolute, because git runs in the root folder.
        env: The environment; by default `git_environment()`.
        stdin: What git reads; nothing by default.
        keep_open: Descriptors of locks that git holds on to, so that a git
            that outlives a killed caller still keeps others away.
        on_output: Called with each piece of standard output, which is not kept.
        on_talk: Called with each piece of standard error.
        guarded: Whether git and its children end when this process is killed.
            Costs the start of a bare Python.
        idle_seconds: How long git may print nothing; None for no limit.

    Raises:
        GitIdleError: Git printed nothing for `idle_seconds`.
        CodebaseError: Git is not installed, or printed more than 64 MB.
    """
    command = ("git", "--no-pager", *_SETTING_OPTIONS, *words)
    reader = _Reader(on_output, on_talk, idle_seconds)
    try:
        with (
            _interrupts_held() as let_them_in,
            _input(stdin) as source,
            _lifeline(guarded) as lifeline,
        ):
            process = subprocess.Popen(
                command if lifeline is None else lifeline.guard(command),
                cwd=NEUTRAL_FOLDER,
                env=git_environment() if env is None else env,
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=keep_open if lifeline is None else (*keep_open, lifeline.guard_end),
                start_new_session=True,  # ssh has no terminal to ask questions on
            )
            with _ending(process, lifeline):
                let_them_in()
                reader.read(process)
                if lifeline is not None:
                    lifeline.release()
                process.wait()
    except FileNotFoundError as error:
        raise CodebaseError(
            "git is not installed, or not on the PATH", hint="install git 2.25 or newer"
        ) from error
    return GitResult(
        exit_code=process.returncode,
        output=bytes(reader.output),
        talk=reader.talk.decode(errors="replace"),
    )


@contextlib.contextmanager
def _input(stdin: bytes | None) -> Generator[IO[bytes] | int, None, None]:
    """Yield what git reads from: a file, which needs no writer beside it."""
    if stdin is None:
        yield subprocess.DEVNULL
        return
    import tempfile

    with tempfile.TemporaryFile() as file:
        file.write(stdin)
        file.seek(0)
        yield file


class _Lifeline:
    """A pipe that closes when this process ends, however it ends: the guard of git reads it."""

    def __init__(self) -> None:
        self.guard_end, self._own_end = os.pipe()
        self._is_cut = False

    def guard(self, command: Sequence[str]) -> tuple[str, ...]:
        """Return the command that runs another one below a guard.

        Raises:
            FileNotFoundError: Its program is not on the PATH.
        """
        from shutil import which

        if which(command[0]) is None:
            raise FileNotFoundError(command[0])
        script = os.path.join(os.path.dirname(__file__), "git_guard.py")
        return (sys.executable, "-I", "-S", script, str(self.guard_end), *command)

    def release(self) -> None:
        """Let the guard end together with git, and leave alone what git left running."""
        os.write(self._own_end, b".")

    def cut(self) -> None:
        """Close our end; a guard that was not released ends git, at last with SIGKILL."""
        if not self._is_cut:
            self._is_cut = True
            os.close(self._own_end)


@contextlib.contextmanager
def _lifeline(guarded: bool) -> Generator[_Lifeline | None, None, None]:
    if not guarded:
        yield None
        return
    lifeline = _Lifeline()
    try:
        yield lifeline
    finally:
        lifeline.cut()
        os.close(lifeline.guard_end)


class _Reader:
    """Reads both streams of git until it closes them, within bounds."""

    def __init__(
        self,
        on_output: Callable[[bytes], None] | None,
        on_talk: Callable[[bytes], None] | None,
        idle_seconds: float | None,
    ) -> None:
        self.output = bytearray()
        self.talk = bytearray()
        self._on_output = on_output or self._keep_output
        self._on_talk = on_talk
        self._idle_seconds = idle_seconds

    def read(self, process: subprocess.Popen[bytes]) -> None:
        """Read to the end of both streams.

        Raises:
            GitIdleError: Git printed nothing for too long.
            CodebaseError: Git printed too much, or was stopped.
        """
        assert process.stdout is not None
        assert process.stderr is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, self._on_output)
            selector.register(process.stderr, selectors.EVENT_READ, self._take_talk)
            printed_at = time.monotonic()
            while selector.get_map():
                ready = selector.select(self._timeout(printed_at))
                if ready:
                    printed_at = time.monotonic()
                for key, _ in ready:
                    if piece := os.read(key.fd, _PIECE_BYTES):
                        key.data(piece)
                    else:
                        selector.unregister(key.fileobj)
                _ask_whether_to_stop()

    def _timeout(self, printed_at: float) -> float | None:
        """Return how long to wait for the next piece.

        Raises:
            GitIdleError: It has been waited for too long.
        """
        ask = None if _should_stop.get() is None else _ASK_SECONDS
        if self._idle_seconds is None:
            return ask
        left = printed_at + self._idle_seconds - time.monotonic()
        if left <= 0:
            raise GitIdleError(f"git printed nothing for {exact_duration(self._idle_seconds)}")
        return left if ask is None else min(left, ask)

    def _keep_output(self, piece: bytes) -> None:
        self.output += piece
        if len(self.output) > MOST_OUTPUT_BYTES:
            raise CodebaseError(
                f"git printed more than {MOST_OUTPUT_BYTES >> 20} MB: the repository is too large"
            )

    def _take_talk(self, piece: bytes) -> None:
        self.talk += piece
        del self.talk[:-_MOST_TALK_BYTES]
        if self._on_talk is not None:
            self._on_talk(piece)


@contextlib.contextmanager
def _interrupts_held() -> Generator[Callable[[], None], None, None]:
    """Hold Ctrl-C back until the caller lets it in: git may have begun, and nobody know its pid."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

    def let_them_in() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    try:
        yield let_them_in
    finally:
        let_them_in()


@contextlib.contextmanager
def _ending(
    process: subprocess.Popen[bytes], lifeline: _Lifeline | None
) -> Generator[None, None, None]:
    """End git and its children when the caller is interrupted."""
    with process:
        try:
            yield
        except BaseException:
            if lifeline is not None:
                lifeline.cut()
            else:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
            raise


@contextlib.contextmanager
def stoppable(should_stop: Callable[[], bool]) -> Generator[None, None, None]:
    """Let git commands of this thread end early, with CodebaseError, once `should_stop` says so."""
    token = _should_stop.set(should_stop)
    try:
        yield
    finally:
        _should_stop.reset(token)


def _ask_whether_to_stop() -> None:
    should_stop = _should_stop.get()
    if should_stop is not None and should_stop():
        raise CodebaseError("git was stopped before it finished")


def git_environment() -> dict[str, str]:
    """Return the environment for commands that may read the user's git settings."""
    env = {name: value for name, value in os.environ.items() if _is_kept(name)}
    ask_nobody = {"GIT_ASKPASS": "true", "SSH_ASKPASS": "true", "GCM_INTERACTIVE": "never"}
    return (
        env
        | ask_nobody
        | {
            "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            # A partial clone fetches what is missing with the programs that it names.
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": ALLOWED_PROTOCOLS,
        }
    )


def reading_environment() -> dict[str, str]:
    """Return the environment for commands that read a repository of this host.

    No protocol is allowed, because Git before 2.39.4 ignores GIT_NO_LAZY_FETCH.
    """
    return git_environment() | {"GIT_ALLOW_PROTOCOL": NO_PROTOCOL}


def isolated_environment() -> dict[str, str]:
    """Return the environment for commands that no setting of user or system may change.

    The trees that come out are the same for everybody, and filters that a
    user or the system has configured are not run.
    """
    env = {k: v for k, v in reading_environment().items() if not k.startswith("GIT_CONFIG_")}
    return env | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        # Git before 2.32 knows no GIT_CONFIG_GLOBAL.
        "HOME": os.devnull,
        "XDG_CONFIG_HOME": os.devnull,
    }


def ssh_environment() -> dict[str, str]:
    """Return `git_environment()` with an ssh that asks no question and does not wait for ever.

    The ssh command is the one of the user's or the system's configuration: GIT_DIR
    leads to no repository, so no repository's configuration is read.
    """
    env = git_environment()
    if "GIT_SSH" in env and "GIT_SSH_COMMAND" not in env:
        return env  # a program that may not know OpenSSH's options
    command = env.get("GIT_SSH_COMMAND")
    if command is None:
        outside = env | {"GIT_DIR": os.devnull}
        command = run_git("config", "--get", "core.sshCommand", env=outside).text or "ssh"
    return env | {"GIT_SSH_COMMAND": f"{command} {_SSH_OPTIONS}"}


def _is_kept(name: str) -> bool:
    if not name.startswith("GIT_"):
        return True
    return name.startswith(_KEPT_PREFIXES) and name not in _DROPPED
