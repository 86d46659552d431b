"""What git says about its progress, as short lines for people."""

from __future__ import annotations

from collections.abc import Callable


def progress_listener(report: Callable[[str], None]) -> Callable[[bytes], None]:
    """Return a function that takes git's standard error, piece by piece.

    GitPython reads git's progress lines; it is imported while git is already
    at work, so that its import time is not waited for.

    Args:
        report: Called with lines like "receiving objects 45 %".
    """
    from git import RemoteProgress

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

    stages = {
        RemoteProgress.COUNTING: "counting objects",
        RemoteProgress.COMPRESSING: "compressing objects",
        RemoteProgress.RECEIVING: "receiving objects",
        RemoteProgress.RESOLVING: "resolving deltas",
    }
    handle = Progress().new_message_handler()
    rest = b""

    def listen(piece: bytes) -> None:
        nonlocal rest
        *lines, rest = (rest + piece).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            handle(line.decode(errors="replace"))

    return listen
