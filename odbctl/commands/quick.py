"""The commands that are asked for most, without typer, in their plain forms.

Only words that are known here are taken; anything else goes to typer, which
stays the one truth. A test holds both ways equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from odbctl.config import COLORS, OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from odbctl.commands._results import Result
    from odbctl.commands._session import Session

_ALL = ("-a", "--all")


class Plain(NamedTuple):
    """What was said in a plain form."""

    names: tuple[str, ...]
    flags: dict[str, str]
    everything: bool


def quick_result(noun: str | None, name: str, words: list[str], session: Session) -> Result | None:
    """Run a quick command; None when typer has to look at it."""
    known = _QUICK.get((noun, name))
    if known is None:
        return None
    least, most, can_all, work = known
    plain = parse_plain(words, can_all=can_all)
    if plain is None or not least <= len(plain.names) <= most:
        return None
    for flag, value in plain.flags.items():
        session.set_flag(flag, value)
    return work(plain, session)


def parse_plain(words: list[str], *, can_all: bool) -> Plain | None:
    """Parse names and the simplest options; None when there is anything else."""
    names: list[str] = []
    flags: dict[str, str] = {}
    everything = False
    rest = iter(words)
    for word in rest:
        if word in _ALL and can_all:
            everything = True
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
    return Plain(tuple(names), flags, everything)


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


# (fewest names, most names, whether --all is one of its options, what to do)
_QUICK: dict[tuple[str | None, str], tuple[int, int, bool, Callable[[Plain, Session], Result]]] = {
    (None, "version"): (0, 0, False, _version),
    (None, "ps"): (0, 1, True, _ps),
    (None, "status"): (0, 1, False, _status),
    ("service", "status"): (1, 1, False, _status),
    ("service", "list"): (0, 0, False, _services),
    ("instance", "list"): (0, 0, True, _ps),
}
