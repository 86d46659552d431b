"""Running the real command line as a process, and in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 100.0


class Ran:
    """How a command ended and what it printed."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"

    @property
    def json(self) -> Any:
        """The JSON that it printed."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The error document that it printed."""
        return json.loads(self.err)


def odbctl(
    *words: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> Ran:
    """Run a command as a process of its own, off any terminal."""
    return Ran(
        subprocess.run(
            [sys.executable, "-m", "odbctl", *words],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    )


def succeed(*words: str, cwd: Path | None = None) -> Ran:
    """Run a command that has to succeed."""
    ran = odbctl(*words, cwd=cwd)
    assert ran.code == 0, ran
    return ran
