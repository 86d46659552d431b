"""Which modules a piece of Python or a command imports, seen from a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

# A process that ends by `sys.exit` or an error still tells what it had imported.
_TELL = "import atexit, sys; atexit.register(lambda: print('\\n@', *sorted(sys.modules)))\n"
_RUN_COMMAND = "import sys; sys.argv = {argv!r}\nfrom odbctl.cli import main\nmain()\n"


def loaded_modules(what: str | Sequence[str], *, options: Sequence[str] = ()) -> frozenset[str]:
    """Return the names of the modules that are loaded when a fresh Python ends.

    Args:
        what: Python code, or the words of an odbctl command without `odbctl`.
        options: Options of the interpreter, such as `-S`.
    """
    code = what if isinstance(what, str) else _RUN_COMMAND.format(argv=["odbctl", *what])
    done = subprocess.run(
        [sys.executable, *options, "-c", _TELL + code], check=False, capture_output=True, text=True
    )
    _, marker, names = done.stdout.rpartition("\n@ ")
    assert marker, f"{what!r} told nothing: {done.stderr}"
    return frozenset(names.split())


def top_level(modules: frozenset[str]) -> frozenset[str]:
    """Return the distinct first parts of module names."""
    return frozenset(name.partition(".")[0] for name in modules)
