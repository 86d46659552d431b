"""Asking before something that cannot be undone. Runs in the command line's process."""

from __future__ import annotations

import sys

from odbctl.errors import OdbctlError, UsageError


class DeclinedError(OdbctlError):
    """The answer was no."""

    code = "declined"


def confirm(question: str, *, yes: bool) -> None:
    """Ask, with No as the default; without a terminal the answer must be `--yes`.

    Raises:
        DeclinedError: The answer was not yes.
        UsageError: There is nobody to ask.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"{question} Standard input is not a terminal, so it cannot be confirmed",
            hint="add --yes",
        )
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise DeclinedError("cancelled; nothing was changed")
