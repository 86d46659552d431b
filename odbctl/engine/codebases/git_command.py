"""The git command: run without a shell, a terminal, hooks or surprises.

Called by the rest of this package, in the process that adds a codebase. Git
is run directly, not through GitPython, because importing that costs as much
as forty git calls, and because it cannot take variables away: we may be run
from a hook, whose GIT_DIR would lead every command to the wrong repository.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Callable, Generator, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from odbctl.errors import CodebaseError

# What a user may say to git about reaching hosts; every other GIT_* is dropped.
_KEPT_PREFIXES = ("GIT_SSH", "GIT_SSL_", "GIT_HTTP_", "GIT_PROXY", "GIT_CONFIG_", "GIT_EXEC_PATH")
_DROPPED = ("GIT_CONFIG_PARAMETERS",)
ALLOWED_PROTOCOLS = "file:https:ssh"
_SSH_OPTIONS = "-o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15"

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.version=2",  # lets a commit be fetched that no branch reaches
    "advice.detachedHead=false",
    "http.lowSpeedLimit=1",  # bytes a second: a connection that stands still
    "http.lowSpeedTime=30",  # seconds
)
_SETTING_OPTIONS = tuple(word for setting in _SETTINGS for word in ("-c", setting))

# How often it is asked whether git is to be stopped, where it can be.
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
            return kept[-1].removeprefix("fatal: ").removeprefix("error: ")
        return lines[-1] if lines else f"git ended with exit code {self.exit_code}"


def run_git(
    *words: str,
    env: dict[str, str] | None = None,
    stdin: bytes | None = None,
    keep_open: Sequence[int] = (),
    on_talk: Callable[[bytes], None] | None = None,
) -> GitResult:
    """Run git to its end and return what it said, whatever its exit code.

    Args:
        *words: The sub-command and its arguments, after `-C` or `--git-dir`.
        env: The environment; by default `git_environment()`.
        stdin: What git reads; nothing by default.
        keep_open: Descriptors of locks that git holds on to, so that a git
            that outlives a killed caller still keeps others away.
        on_talk: Called with each piece of standard error as it comes.

    Raises:
        CodebaseError: Git is not installed.
    """
    command = ("git", *_SETTING_OPTIONS, *words)
    try:
        with _interrupts_held() as let_them_in:
            process = subprocess.Popen(
                command,
                env=git_environment() if env is None else env,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=keep_open,
                start_new_session=True,  # ssh has no terminal to ask questions on
            )
            with _ending(process):
                let_them_in()
                if on_talk is None:
                    output, talk = _communicate(process, stdin)
                else:
                    output, talk = b"", b"".join(_listen(process, on_talk))
    except FileNotFoundError as error:
        raise CodebaseError(
            "git is not installed, or not on the PATH", hint="install git 2.25 or newer"
        ) from error
    return GitResult(
        exit_code=process.returncode, output=output, talk=talk.decode(errors="replace")
    )


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
def _ending(process: subprocess.Popen[bytes]) -> Generator[None, None, None]:
    """End git and its children when the caller is interrupted."""
    with process:
        try:
            yield
        except BaseException:
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
        raise CodebaseError("git was stopped before it was done")


def _communicate(process: subprocess.Popen[bytes], stdin: bytes | None) -> tuple[bytes, bytes]:
    if _should_stop.get() is None:
        return process.communicate(stdin)
    while True:
        _ask_whether_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(stdin, timeout=_ASK_SECONDS)


def _listen(process: subprocess.Popen[bytes], on_talk: Callable[[bytes], None]) -> Iterator[bytes]:
    assert process.stderr is not None
    descriptor = process.stderr.fileno()
    _wait_for_talk(descriptor)
    while piece := os.read(descriptor, 65536):
        on_talk(piece)
        yield piece
        _wait_for_talk(descriptor)
    process.wait()


def _wait_for_talk(descriptor: int) -> None:
    """Wait until git says something, where it may have to be stopped meanwhile."""
    while (
        _should_stop.get() is not None and not select.select([descriptor], [], [], _ASK_SECONDS)[0]
    ):
        _ask_whether_to_stop()


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
            "GIT_ALLOW_PROTOCOL": ALLOWED_PROTOCOLS,
        }
    )


def isolated_environment() -> dict[str, str]:
    """Return the environment for commands that no setting of user or system may change.

    The trees that come out are the same for everybody, and filters that a
    user or the system has configured are not run.
    """
    env = {k: v for k, v in git_environment().items() if not k.startswith("GIT_CONFIG_")}
    return env | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        # Git before 2.32 knows no GIT_CONFIG_GLOBAL.
        "HOME": os.devnull,
        "XDG_CONFIG_HOME": os.devnull,
    }


def ssh_environment() -> dict[str, str]:
    """Return `git_environment()` with an ssh that asks no question and does not wait for ever."""
    env = git_environment()
    if "GIT_SSH" in env and "GIT_SSH_COMMAND" not in env:
        return env  # a program that may not know OpenSSH's options
    command = env.get("GIT_SSH_COMMAND")
    if command is None:
        command = run_git("config", "--get", "core.sshCommand", env=env).text or "ssh"
    return env | {"GIT_SSH_COMMAND": f"{command} {_SSH_OPTIONS}"}


def _is_kept(name: str) -> bool:
    if not name.startswith("GIT_"):
        return True
    return name.startswith(_KEPT_PREFIXES) and name not in _DROPPED
