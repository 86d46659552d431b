"""Settings as people write them: probes, signals, sizes. Pure."""

from __future__ import annotations

import signal

from odbctl.engine.model.probes import OWN_PORT, Probe, ProbeKind
from odbctl.errors import UsageError

NONE = "none"
AUTO = "auto"
NEVER = "never"
_PROBE_HINT = "health, tcp:8080, http:8080/ready, http:PORT/ready, exec:COMMAND or none"


def parse_probe(text: str) -> Probe | None:
    """Read a probe as people write it; "none" means no probe.

    Raises:
        UsageError: The text is not a probe.
    """
    if text == NONE:
        return None
    word, _, target = text.partition(":")
    try:
        kind = ProbeKind(word)
    except ValueError:
        raise UsageError(f"no probe {text!r}", hint=_PROBE_HINT) from None
    match kind:
        case ProbeKind.HEALTH:
            if target:
                raise UsageError("a health probe takes no target", hint=_PROBE_HINT)
        case ProbeKind.EXEC:
            _check_command(target)
        case ProbeKind.HTTP | ProbeKind.TCP:
            target = _place(kind, target.removeprefix("//"))
    return Probe(kind, target)


def _check_command(text: str) -> None:
    import shlex

    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a command line: {error}", hint=_PROBE_HINT) from error
    if not words:
        raise UsageError("an exec probe needs a command", hint=_PROBE_HINT)


def _place(kind: ProbeKind, target: str) -> str:
    """Return HOST:PORT and what follows it."""
    place, slash, path = target.partition("/")
    host, _, port = place.rpartition(":")
    is_number = port.isascii() and port.isdigit() and 0 < int(port) < 65536
    if not is_number and port != OWN_PORT:
        raise UsageError(f"probe target {target!r} has no port", hint=_PROBE_HINT)
    if kind is ProbeKind.TCP and slash:
        raise UsageError(f"a tcp probe takes no path: {target!r}", hint=_PROBE_HINT)
    if any(c.isspace() for c in target):
        raise UsageError(f"probe target {target!r} contains a space", hint=_PROBE_HINT)
    return f"{host or '127.0.0.1'}:{port}{slash}{path}"


def parse_signal(text: str) -> str:
    """Return a signal's full name: `INT`, `SIGINT` and `2` are SIGINT.

    Raises:
        UsageError: There is no such signal, or a process cannot handle it.
    """
    name = text.upper()
    try:
        found = signal.Signals(int(name)) if name.isdigit() else None
        found = found or signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
    except (KeyError, ValueError):
        raise UsageError(f"no signal {text!r}", hint="for example SIGINT or SIGUSR1") from None
    if found in (signal.SIGSTOP, signal.SIGCONT):
        raise UsageError(
            f"{found.name} cannot stop a service", hint="for example SIGINT or SIGUSR1"
        )
    return found.name
