"""What git says about its progress, as short lines for people."""

from __future__ import annotations

import time
from collections.abc import Callable

# A fetch that is done by then is not worth the import of GitPython.
PATIENCE_SECONDS = 0.5


def progress_listener(
    report: Callable[[str], None], *, patience_seconds: float = PATIENCE_SECONDS
) -> Callable[[bytes], None]:
    """Return a function that takes git's standard error, piece by piece.

    Args:
        report: Called with lines like "receiving objects 45%".
        patience_seconds: Nothing is reported, nor imported, before.
    """
    begins_at = time.monotonic() + patience_seconds
    handle: Callable[[str], None] | None = None
    rest = b""

    def listen(piece: bytes) -> None:
        nonlocal handle, rest
        *lines, rest = (rest + piece).replace(b"\r", b"\n").split(b"\n")
        if time.monotonic() < begins_at:
            return
        handle = handle or _line_handler(report)
        for line in lines:
            handle(line.decode(errors="replace"))

    return listen


def _line_handler(report: Callable[[str], None]) -> Callable[[str], None]:
    """Return what reads one line of git's; GitPython knows how."""
    from git import RemoteProgress

    stages = {
        RemoteProgress.COUNTING: "counting objects",
        RemoteProgress.COMPRESSING: "compressing objects",
        RemoteProgress.RECEIVING: "receiving objects",
        RemoteProgress.RESOLVING: "resolving deltas",
    }

    class Progress(RemoteProgress):
        def update(
            self,
            op_code: int,
            cur_count: str | float,
            max_count: str | float | None = None,
            message: str = "",
        ) -> None:
            stage = stages.get(op_code & self.OP_MASK)
            if stage and max_count:
                report(f"{stage} {float(cur_count) / float(max_count):.0%}")

    return Progress().new_message_handler()
