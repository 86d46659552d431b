"""The names that people give to objects: codebases, services, hosts.

Names become parts of paths, of command lines and of log lines, so they hold
nothing that any of these would read as something else.
"""

from __future__ import annotations

import re

from odbctl.errors import InvalidNameError

LONGEST_NAME = 63
_VALID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}", re.ASCII)


def validate_name(kind: str, name: str) -> str:
    """Return `name` if an object of that kind may have it.

    Raises:
        InvalidNameError: It is empty, too long, or has other characters.
    """
    if _VALID.fullmatch(name) is None:
        raise InvalidNameError(kind, name)
    return name


def make_name(text: str, *, default: str) -> str:
    """Return the valid name that is nearest to `text`, or `default` when nothing is left."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip("._-")
    return plain[:LONGEST_NAME].rstrip("._-") or default
