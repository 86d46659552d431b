"""The screens that keys 1 to 8 and `:alias` lead to. Pure."""

from __future__ import annotations

import difflib
from enum import StrEnum
from typing import NamedTuple


class View(StrEnum):
    """What the front screen looks at."""

    OVERVIEW = "overview"  # what needs attention, the machine, the last events
    SERVICES = "services"  # every service, and what the selected one does
    INSTANCES = "instances"  # the current instances of all services
    HOSTS = "hosts"  # where instances run
    CODEBASES = "codebases"  # the commits that were added
    EVENTS = "events"  # what happened
    AWS = "aws"  # machines in the cloud
    DEPLOYS = "deploys"  # the releases of all services


class Entry(NamedTuple):
    """How a view is reached."""

    view: View
    key: str
    aliases: tuple[str, ...]


ENTRIES = (
    Entry(View.OVERVIEW, "1", ("ov",)),
    Entry(View.SERVICES, "2", ("svc", "service")),
    Entry(View.INSTANCES, "3", ("in", "instance", "ps")),
    Entry(View.HOSTS, "4", ("ho", "host")),
    Entry(View.CODEBASES, "5", ("cb", "codebase")),
    Entry(View.EVENTS, "6", ("ev", "event")),
    Entry(View.AWS, "7", ()),
    Entry(View.DEPLOYS, "8", ("dp", "deploy", "releases")),
)
BY_WORD = {
    word: entry.view for entry in ENTRIES for word in (entry.view.value, entry.key, *entry.aliases)
}
# What is offered while a command is typed: short and full names, in the order of the keys.
WORDS = tuple(word for entry in ENTRIES for word in (entry.view.value, *entry.aliases[:1]))
OTHER_WORDS = ("help", "quit")


class Command(NamedTuple):
    """What was typed after the colon: a view or another word, and a filter for it."""

    word: str
    view: View | None
    rest: str


def parse_command(text: str) -> Command | str:
    """Return what a typed command means, or a line that says why it means nothing."""
    word, _, rest = text.strip().lstrip(":").partition(" ")
    word = {"q": "quit", "q!": "quit", "exit": "quit", "?": "help", "h": "help"}.get(word, word)
    if word in OTHER_WORDS or word.lower() in BY_WORD:
        return Command(word, BY_WORD.get(word.lower()), rest.strip())
    near = difflib.get_close_matches(word.lower(), [*BY_WORD, *OTHER_WORDS], n=1, cutoff=0.5)
    hint = f"did you mean :{near[0]}?" if near else f"one of {' '.join(WORDS[1::2])}"
    return f"no screen {word!r}; {hint}"
