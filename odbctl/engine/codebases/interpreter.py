"""The interpreter that a codebase runs in, when it has one of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from odbctl.errors import UsageError
from odbctl.units import exact_duration

OLDEST_PYTHON = (3, 11)
TIMEOUT_SECONDS = 30.0
_HINT = "--python takes an interpreter, or the folder of a virtual environment"
_QUESTION = """\
import json, sys
try:
    import sqlite3
except ImportError:
    sqlite3 = None
print(json.dumps([sys.version_info[:2], sqlite3 is not None]))
"""


def resolve_python(path: str | None) -> str | None:
    """Return the absolute path of an interpreter that services can run in.

    A link is not followed: through it a virtual environment is known.

    Args:
        path: An interpreter, a command on the PATH, or the folder of a
            virtual environment; None stands for odbctl's own interpreter.

    Raises:
        UsageError: It is not there, does not run, or is older than 3.11.
    """
    if path is None:
        return None
    found = _find(path)
    version, has_sqlite = _ask(found)
    if version < OLDEST_PYTHON:
        text = ".".join(map(str, version))
        raise UsageError(f"{found} is Python {text}", hint="services need Python 3.11 or newer")
    if not has_sqlite:
        raise UsageError(f"{found} has no sqlite3 module", hint="services need it")
    return found


def _find(path: str) -> str:
    place = Path(os.path.abspath(os.path.expanduser(path)))
    if place.is_dir():
        for name in ("bin/python", "bin/python3"):
            if (place / name).exists():
                return str(place / name)
        raise UsageError(f"{place} is not a virtual environment: it has no bin/python", hint=_HINT)
    if place.exists():
        if not os.access(place, os.X_OK):
            raise UsageError(f"{place} is not executable", hint=_HINT)
        return str(place)
    if path and os.sep not in path and (command := shutil.which(path)):
        return os.path.abspath(command)
    raise UsageError(f"there is no interpreter {path!r}", hint=_HINT)


def _ask(interpreter: str) -> tuple[tuple[int, ...], bool]:
    """Run the interpreter, without the user's settings, and hear what it is."""
    try:
        ended = subprocess.run(
            [interpreter, "-I", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            f"{interpreter} did not answer within {exact_duration(TIMEOUT_SECONDS)}", hint=_HINT
        ) from error
    except OSError as error:
        raise UsageError(f"{interpreter} does not run: {error.strerror}", hint=_HINT) from error
    try:
        version, has_sqlite = json.loads(ended.stdout)
        return tuple(version), bool(has_sqlite)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{interpreter} is not a Python interpreter", hint=_HINT) from error
