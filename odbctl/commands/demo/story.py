"""The steps of `odbctl demo`, run with real git and the real command line."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import odbctl
from odbctl.errors import NotFoundError, PartlyDoneError, TimedOutError

SERVICE = "hello"
CLASS = "hello_world.service:HelloService"
WAIT_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.05
_GIT_SETTINGS = {
    "user.name": "odbctl demo",
    "user.email": "demo@localhost",
    "commit.gpgsign": "false",
    "core.hooksPath": os.devnull,
}


def example_folder() -> Path:
    """Return the hello_world example: in the package, or in a checkout of odbctl.

    Raises:
        NotFoundError: Neither folder exists.
    """
    package = Path(odbctl.__file__).parent
    for folder in (
        package / "_examples" / "hello_world",
        package.parent / "examples" / "hello_world",
    ):
        if folder.is_dir():
            return folder
    raise NotFoundError("example", "hello_world", hint="reinstall odbctl")


class Demo:
    """A home and a repository in which the commands run; prints each command and its output."""

    def __init__(self, folder: str, *, is_kept: bool, has_color: bool) -> None:
        self.folder = Path(folder)
        self.repo = self.folder / "hello_world"
        self.home = self.folder / "home"
        self.is_kept = is_kept
        self._has_color = has_color
        self._started_at = time.monotonic()
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("ODBCTL_", "GIT_"))}
        self._environ = {
            **clean,
            "ODBCTL_HOME": str(self.home),
            "ODBCTL_COLOR": "always" if has_color else "never",
        }

    def __enter__(self) -> Demo:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.is_kept and error is None:
            return
        # A second Ctrl-C must not leave something running.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            if (self.home / "odbctl.db").exists():
                ended = self._odbctl("manager", "stop", "--with-services", capture=True)
                if ended.returncode:
                    self.say(f"Not everything could be stopped. See {self.folder}\n{ended.stderr}")
                    return
            _remove(self.folder)
        finally:
            signal.signal(signal.SIGINT, before)

    def farewell(self) -> str:
        """Return what to try next."""
        seconds = time.monotonic() - self._started_at
        if not self.is_kept:
            return "\n".join(
                [
                    "",
                    f"Done in {seconds:.1f} s. Everything that the demo started has been stopped, "
                    "and its files removed.",
                    "Next: odbctl demo --keep-running leaves the services running, and",
                    "odbctl codebase add HEAD adds the git repository of the current folder.",
                ]
            )
        home = shlex.quote(str(self.home))
        return "\n".join(
            [
                "",
                "The services keep running. To try odbctl on them:",
                f"  export ODBCTL_HOME={home}",
                "  odbctl logs hello -f",
                "  odbctl service configure hello greeting=Ahoy",
                "  odbctl service scale hello 5",
                "  odbctl tui",
                "To stop and remove everything:",
                f"  odbctl manager stop --with-services && chmod -R u+w {home} && "
                f"rm -r {shlex.quote(str(self.folder))}",
            ]
        )

    def say(self, text: str) -> None:
        """Print a caption."""
        line = f"# {text}"
        print(f"\n\x1b[36m{line}\x1b[0m" if self._has_color else f"\n{line}", flush=True)

    def show(self, *words: str) -> None:
        """Run an odbctl command and show it with what it prints.

        Raises:
            PartlyDoneError: The command failed.
        """
        self._echo(shlex.join(["odbctl", *words]))
        if code := self._odbctl(*words).returncode:
            raise PartlyDoneError(f"`odbctl {shlex.join(words)}` ended with exit code {code}")

    def ask(self, *words: str) -> Any:
        """Run an odbctl command and return the JSON that it prints."""
        return json.loads(self._odbctl(*words, "-o", "json", capture=True).stdout or "null")

    def ask_lines(self, *words: str) -> list[Any]:
        """Run an odbctl command and return the JSON of each line that it prints."""
        text = self._odbctl(*words, "-o", "json", capture=True).stdout
        return [json.loads(line) for line in text.splitlines()]

    def git(self, *words: str, is_shown: bool = True) -> None:
        """Run git in the repository, with settings of its own."""
        if is_shown:
            self._echo(shlex.join(["git", *words]))
        settings = [w for k, v in _GIT_SETTINGS.items() for w in ("-c", f"{k}={v}")]
        subprocess.run(
            ["git", *settings, *words],
            cwd=self.repo,
            env={**self._environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
            check=True,
        )

    def kill(self, pid: int) -> None:
        """Kill a process as `kill -9` does."""
        self._echo(f"kill -9 {pid}")
        os.kill(pid, signal.SIGKILL)

    def wait_until(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds.

        Raises:
            TimedOutError: The condition did not hold in time.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise TimedOutError(f"{what} took longer than {WAIT_SECONDS:g} s")
            time.sleep(LOOK_AGAIN_SECONDS)

    def _echo(self, line: str) -> None:
        text = f"$ {line}"
        print(f"\x1b[1m{text}\x1b[0m" if self._has_color else text, flush=True)

    def _odbctl(self, *words: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "odbctl", *words],
            cwd=self.repo if self.repo.is_dir() else None,
            env=self._environ,
            capture_output=capture,
            text=True,
            check=False,
        )


def tell_story(demo: Demo) -> None:
    """Go from a git repository to supervised instances, and through a crash."""
    demo.say("Create a git repository from the hello_world example.")
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(example_folder(), demo.repo, ignore=ignored)
    demo.git("-c", "init.defaultBranch=main", "init", "-q", is_shown=False)
    demo.git("add", "--all", is_shown=False)
    demo.git("commit", "-q", "-m", "Say hello")
    demo.say(
        "Add a commit as a codebase, and list its service classes. None of its code is imported."
    )
    demo.show("codebase", "add", "HEAD")
    demo.show("codebase", "services", "hello_world")
    demo.say("Create a service from one of the classes, and start two instances of it.")
    demo.show(
        "service", "create", SERVICE, "--class", CLASS, "--codebase", "hello_world",
        "--config", "period_seconds=0.5",
    )  # fmt: skip
    demo.show("service", "start", SERVICE, "--count", "2")
    demo.show("service", "status", SERVICE)
    demo.wait_until("waiting for the first log lines", lambda: _has_greeted(demo))
    demo.say("Print the output of all its instances.")
    demo.show("logs", SERVICE)
    demo.show("ps")
    _kill_one(demo)
    if not demo.is_kept:
        demo.say("Stop the service.")
        demo.show("service", "stop", SERVICE)
        demo.show("ps")


def _kill_one(demo: Demo) -> None:
    demo.say("Kill one instance. The manager starts a replacement.")
    victim = demo.ask("ps")[0]
    demo.kill(victim["pid"])

    def is_replaced() -> bool:
        running = [i["id"] for i in demo.ask("ps") if i["state"] == "running"]
        return len(running) == 2 and victim["id"] not in running

    demo.wait_until("waiting for the replacement", is_replaced)
    demo.show("ps")
    demo.say("Explain the state of the service: releases, exits, events and the last log lines.")
    demo.show("why", SERVICE)
    demo.say("The log of the killed instance is kept.")
    demo.show("service", "logs", SERVICE, "--previous", "-n", "3")


def _has_greeted(demo: Demo) -> bool:
    return len(demo.ask_lines("logs", SERVICE)) > 3


def _remove(folder: Path) -> None:
    """Remove a folder with its checkouts, which are read-only."""
    for root, _folders, _files in os.walk(folder):
        os.chmod(root, stat.S_IRWXU)
    shutil.rmtree(folder)
