"""The line of a traceback that says what went wrong."""

from __future__ import annotations

import traceback


def last_line(error: BaseException) -> str:
    """Return the class and message of an error, as they end its traceback, without its notes."""
    summary = traceback.TracebackException.from_exception(error, limit=0)
    summary.__notes__ = None
    return [*summary.format_exception_only()][-1].strip()
