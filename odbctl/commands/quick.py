"""The commands that are asked for most, without typer, in their plain forms.

Only words that are known here are taken; anything else goes to typer, which
stays the one truth. A test holds both ways equal.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping

from odbctl.config import COLORS, OUTPUTS
from odbctl.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from odbctl.commands.output.results import Result
    from odbctl.commands.session import Session

_ALL = {"-a": "all", "--all": "all"}
_OUTPUT = {"-o": "output", "--output": "output", "--color": "color"}
_LISTING = {"-q": "quiet", "--quiet": "quiet"}
_LOG_SWITCHES = {
    **_ALL,
    "-f": "follow",
    "--follow": "follow",
    "-p": "previous",
    "--previous": "previous",
}
_LOG_VALUES = {
    **dict.fromkeys(("-n", "--lines", "--tail"), "lines"),
    "-g": "grep",
    "--grep": "grep",
    **{f"--{name}": name for name in ("since", "until", "level", "instance")},
}


class Plain(NamedTuple):
    """What was said in a plain form."""

    names: tuple[str, ...]
    flags: dict[str, str]
    switches: frozenset[str] = frozenset()
    values: Mapping[str, str] = {}

    def number(self, name: str) -> int | None:
        """Return a value that is a number, None when it was not given."""
        return int(self.values[name]) if name in self.values else None


class Quick(NamedTuple):
    """A quick command: how many names it takes, which options, and what it does."""

    least: int
    most: int
    work: Callable[[Plain, Session], Result]
    switches: Mapping[str, str] = {}
    values: Mapping[str, str] = {}


def quick_result(noun: str | None, name: str, words: list[str], session: Session) -> Result | None:
    """Run a quick command; None when typer has to look at it."""
    known = _QUICK.get((noun, name))
    if known is None:
        return None
    plain = parse_plain(words, switches=known.switches, values=known.values)
    if plain is None or not known.least <= len(plain.names) <= known.most:
        return None
    if "quiet" in plain.switches:
        if "output" in plain.flags:
            return None
        session.set_flag("output", "name")
    for flag, value in plain.flags.items():
        session.set_flag(flag, value)
    return known.work(plain, session)


def parse_plain(
    words: list[str], *, switches: Mapping[str, str], values: Mapping[str, str]
) -> Plain | None:
    """Parse names and the simplest options; None when there is anything else.

    Args:
        words: What was said after the command.
        switches: The names of options without a value, by how they are written.
        values: The names of options with one.
    """
    names: list[str] = []
    flags: dict[str, str] = {}
    on: set[str] = set()
    given: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word in switches:
            on.add(switches[word])
        elif word in values:
            given[values[word]] = value = next(rest, "")
            if not _is_plain_value(values[word], value):
                return None
        elif word == "--json":
            flags["output"] = "json"
        elif word in _OUTPUT:
            flags[_OUTPUT[word]] = value = next(rest, "")
            if value not in (COLORS if word == "--color" else OUTPUTS):
                return None
        elif word and not word.startswith("-"):
            names.append(word)
        else:
            return None
    return Plain(tuple(names), flags, frozenset(on), given)


def _is_plain_value(name: str, value: str) -> bool:
    if name in ("count", "lines"):
        return value.isascii() and value.isdigit()
    return bool(value) and not value.startswith("-")


def _version(plain: Plain, session: Session) -> Result:
    del plain, session
    from odbctl.commands.actions import reads

    return reads.version()


def _ps(plain: Plain, session: Session) -> Result:
    from odbctl.commands.actions import reads

    return reads.instances(session, services=plain.names, everything="all" in plain.switches)


def _services(plain: Plain, session: Session) -> Result:
    del plain
    from odbctl.commands.actions import reads

    return reads.services(session)


def _status(plain: Plain, session: Session) -> Result:
    from odbctl.commands.actions import reads

    return reads.status(session, plain.names)


def _start(plain: Plain, session: Session) -> Result:
    from odbctl.commands.actions import changes

    return changes.start(session, plain.names, count=plain.number("count"), wait=True, timeout=None)


def _stop(plain: Plain, session: Session) -> Result:
    from odbctl.commands.actions import changes

    return changes.stop(session, plain.names, wait=True, timeout=None)


def _logs(plain: Plain, session: Session) -> Result:
    from odbctl.commands.actions.log_stream import LogWords, log_result

    del session
    gc.enable()  # this may go on for long
    said = plain.values.get
    on = plain.switches
    words = LogWords(
        follow="follow" in on,
        lines=plain.number("lines"),
        since=said("since"),
        until=said("until"),
        grep=said("grep"),
        level=said("level"),
    )
    return log_result(
        plain.names,
        words,
        instance=said("instance"),
        previous="previous" in on,
        everything="all" in on,
    )


def _why(plain: Plain, session: Session) -> Result:
    from odbctl.commands.actions import reads

    return reads.reasons(session, plain.names[0])


_MANY = 1000
_LOGS = Quick(0, _MANY, _logs, _LOG_SWITCHES, _LOG_VALUES)
_QUICK: dict[tuple[str | None, str], Quick] = {
    (None, "version"): Quick(0, 0, _version),
    (None, "ps"): Quick(0, _MANY, _ps, {**_ALL, **_LISTING}),
    (None, "why"): Quick(1, 1, _why),
    ("service", "status"): Quick(0, _MANY, _status, _LISTING),
    ("service", "list"): Quick(0, 0, _services, _LISTING),
    ("service", "logs"): _LOGS,
    ("service", "start"): Quick(1, _MANY, _start, values={"--count": "count"}),
    ("service", "stop"): Quick(1, _MANY, _stop),
    ("instance", "list"): Quick(0, _MANY, _ps, {**_ALL, **_LISTING}),
}
