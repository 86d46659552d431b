"""Files of the run directory that are damaged, or not what they should be: put out of the way.

Nothing in the run directory is worth more than a manager that starts. Run by managers.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from pathlib import Path

logger = logging.getLogger("odbctl.manager")


def set_aside(path: Path, problem: str) -> None:
    """Rename a damaged file, so that it can be looked at, and log that."""
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns():x}")
    try:
        os.rename(path, aside)
    except OSError as error:
        logger.warning("%s is damaged: %s (and cannot be renamed: %s)", path, problem, error)
    else:
        logger.warning("%s is damaged: %s; renamed it to %s", path, problem, aside.name)


def clear_path(path: Path) -> None:
    """Make a path free for a socket or a FIFO: what is there is removed, a folder set aside."""
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            set_aside(path, "there is a folder at the path of a socket")
        else:
            path.unlink()
