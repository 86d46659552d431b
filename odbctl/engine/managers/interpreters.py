"""Commands that run odbctl's modules in a codebase's interpreter.

A codebase's own interpreter has no odbctl installed. It gets, last on its
path, a folder that holds the `odbctl` package and nothing beside it, so that
the author's packages can never meet those of the command line.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import odbctl
from odbctl.paths import Home

_BOOT = "import sys; sys.path.append(sys.argv.pop(1)); from {module} import {name}; {name}()"


def python_command(home: Home, python: str | None, entry: str, *arguments: str) -> list[str]:
    """Return the command that calls `entry` in an interpreter.

    Args:
        home: Where the runtime folder is.
        python: The interpreter, or None for this process's own.
        entry: A function of an odbctl module, as `module:function`.
        *arguments: What `sys.argv[1:]` holds when it is called.
    """
    module, _, name = entry.partition(":")
    boot = _BOOT.format(module=module, name=name)
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
