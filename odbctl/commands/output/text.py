"""Text for people: made harmless, made short. Pure; used by the command line.

Nothing that a repository, a service or its author wrote may steer a terminal:
every character that is not printed as itself is shown as its escape.
"""

from __future__ import annotations

import time

# Spaces that `str.isprintable` refuses but that only take room.
_SPACES = frozenset("\u00a0\u1680\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}


def visible(text: str) -> str:
    """Return `text` with control characters as escapes, on one line."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in _SPACES else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def visible_lines(text: str) -> str:
    """Return `text` with control characters as escapes; line ends and tabs stay."""
    if text.isprintable():
        return text
    return "\n".join(
        "\t".join(visible(part) for part in line.split("\t")) for line in text.split("\n")
    )


def local_time(at: float) -> str:
    """Return a time as `2026-11-23 23:14:05`, in the local zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
