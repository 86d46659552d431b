"""The commands that are asked for most, without typer, in their plain forms.

Only words that are known here are taken; anything else goes to typer, which
stays the one truth. A test holds both ways equal.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from odbctl.config import COLORS, OUTPUTS

if TYPE_CHECKING:
    from odbctl.commands._results import Result
    from odbctl.commands._session import Session

_ALL = ("-a", "--all")


class Plain(NamedTuple):
    """What was said in a plain form."""

    names: tuple[str, ...]
    flags: dict[str, str]
    everything: bool = False
    wanted: int | None = None


class Quick(NamedTuple):
    """A quick command: how many names it takes, which options, and what it does."""

    least: int
    most: int
    work: Callable[[Plain, Session], Result]
    can_all: bool = False
    can_count: bool = False


def quick_result(noun: str | None, name: str, words: list[str], session: Session) -> Result | None:
    """Run a quick command; None when typer has to look at it."""
    known = _QUICK.get((noun, name))
    if known is None:
        return None
    plain = parse_plain(words, can_all=known.can_all, can_count=known.can_count)
    if plain is None or not known.least <= len(plain.names) <= known.most:
        return None
    for flag, value in plain.flags.items():
        session.set_flag(flag, value)
    return known.work(plain, session)


def parse_plain(words: list[str], *, can_all: bool, can_count: bool) -> Plain | None:
    """Parse names and the simplest options; None when there is anything else."""
    names: list[str] = []
    flags: dict[str, str] = {}
    everything = False
    count: int | None = None
    rest = iter(words)
    for word in rest:
        if word in _ALL and can_all:
            everything = True
        elif word == "--count" and can_count:
            text = next(rest, "")
            if not (text.isascii() and text.isdigit()):
                return None
            count = int(text)
        elif word == "--json":
            flags["output"] = "json"
        elif word in ("-o", "--output", "--color"):
            value = next(rest, "")
            if value not in (COLORS if word == "--color" else OUTPUTS):
                return None
            flags["color" if word == "--color" else "output"] = value
        elif word and not word.startswith("-"):
            names.append(word)
        else:
            return None
    return Plain(tuple(names), flags, everything, count)


def _version(plain: Plain, session: Session) -> Result:
    del plain, session
    from odbctl.commands import _reads

    return _reads.version()


def _ps(plain: Plain, session: Session) -> Result:
    from odbctl.commands import _reads

    name = plain.names[0] if plain.names else None
    return _reads.instances(session, service=name, everything=plain.everything)


def _services(plain: Plain, session: Session) -> Result:
    del plain
    from odbctl.commands import _reads

    return _reads.services(session)


def _status(plain: Plain, session: Session) -> Result:
    from odbctl.commands import _reads

    return _reads.status(session, plain.names[0] if plain.names else None)


def _start(plain: Plain, session: Session) -> Result:
    from odbctl.commands import _changes

    gc.enable()  # this may wait for long
    return _changes.start(session, plain.names[0], count=plain.wanted, wait=True, timeout=None)


def _stop(plain: Plain, session: Session) -> Result:
    from odbctl.commands import _changes

    gc.enable()  # this may wait for long
    return _changes.stop(session, plain.names[0], wait=True, timeout=None)


_QUICK: dict[tuple[str | None, str], Quick] = {
    (None, "version"): Quick(0, 0, _version),
    (None, "ps"): Quick(0, 1, _ps, can_all=True),
    (None, "status"): Quick(0, 1, _status),
    ("service", "status"): Quick(1, 1, _status),
    ("service", "list"): Quick(0, 0, _services),
    ("service", "start"): Quick(1, 1, _start, can_count=True),
    ("service", "stop"): Quick(1, 1, _stop),
    ("instance", "list"): Quick(0, 0, _ps, can_all=True),
}
