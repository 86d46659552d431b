"""How people are told that an instance ended which nobody had asked to."""

from __future__ import annotations

from collections.abc import Mapping

from odbctl.light_typing import Any

_ASKED_FOR = ("stop", "kill")


def describe_end(instance: Mapping[str, Any]) -> str:
    """Return "exit code 7", "signal 9", "killed by ann" …; empty when it lives or was stopped.

    Args:
        instance: An instance's document.
    """
    end: Mapping[str, Any] = instance.get("exit") or {}
    if instance.get("ended_at") is None:
        return ""
    if end.get("cause") in _ASKED_FOR:
        verb = "killed" if end.get("cause") == "kill" else "stopped"
        return f"{verb} by {by}" if (by := instance.get("stopped_by")) else ""
    match end:
        case {"signal": int(number)}:
            return f"signal {number}"
        case {"code": int(code)}:
            return f"exit code {code}"
        case _:
            return "exit unknown"
