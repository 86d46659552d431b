"""Commands that run odbctl's modules in a codebase's interpreter.

A codebase's own interpreter has no odbctl installed. It gets, last on its
path, a folder that holds the `odbctl` package and nothing beside it, so that
the author's packages can never meet those of the command line.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import odbctl
from odbctl.paths import Home

_BOOT = "import sys; sys.path.append(sys.argv.pop(1)); from {module} import {name}; {name}()"


def python_command(
    home: Home, python: str | None, entry: Callable[..., object], *arguments: str
) -> list[str]:
    """Return the command that calls `entry()` in an interpreter.

    Args:
        home: Where the runtime folder is.
        python: The interpreter, or None for this process's own.
        entry: A function at the top level of an odbctl module.
        *arguments: What `sys.argv[1:]` holds when it is called.
    """
    boot = _BOOT.format(module=entry.__module__, name=entry.__qualname__)
    command = [python or sys.executable, "-P", "-c", boot, str(runtime_folder(home))]
    return [*command, *arguments]


def runtime_folder(home: Home) -> Path:
    """Return the folder that holds this very odbctl and nothing else, making it if need be."""
    package = Path(odbctl.__file__).resolve().parent
    folder = home.runtime / f"{odbctl.__version__}-{abs(hash_text(str(package))):x}"
    link = folder / "odbctl"
    if not link.is_symlink():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):
            os.symlink(package, link)
    return folder


def hash_text(text: str) -> int:
    """Return a number that stands for a text, the same in every process."""
    import zlib

    return zlib.crc32(text.encode())
