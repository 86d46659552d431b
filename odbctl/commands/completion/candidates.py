"""`odbctl __complete WORDS…`: candidates for the last word, asked by shells on every tab.

Answers from the catalog and the database within its start-up budget, with no
typer; options are in the shells' scripts. Never fails: at worst it is silent.
Nothing that a repository brings along is run, and the scripts quote what they
insert: anybody may have named a branch `$(command)`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from odbctl.commands.catalog import NOUNS, SHORTCUTS, TOP, resolve
from odbctl.commands.output.text import visible
from odbctl.config import COLORS, OUTPUTS, load_settings
from odbctl.errors import OdbctlError

if TYPE_CHECKING:
    from odbctl.engine.api.engine import Engine

Candidates = Iterable[tuple[str, str]]
_NAMED_SERVICE = ("service",)
_POSITIONS: dict[tuple[str | None, str], tuple[str, ...]] = {
    **{("service", verb): _NAMED_SERVICE for verb in NOUNS["service"][1] if verb != "create"},
    ("service", "deploy"): ("service", "deploy_ref"),
    ("codebase", "add"): ("ref",),
    ("codebase", "show"): ("codebase",),
    ("codebase", "services"): ("codebase",),
    ("codebase", "remove"): ("codebase",),
    ("instance", "list"): _NAMED_SERVICE,
    **{("instance", verb): ("instance",) for verb in ("show", "logs", "stop", "kill")},
    **{("host", verb): ("host",) for verb in NOUNS["host"][1] if verb != "list"},
    **{(None, name): _NAMED_SERVICE for name in ("ps", "why")},
    (None, "completion"): ("shell",),
    (None, "help"): ("command", "verb"),
}
# Commands whose last word may be repeated.
_REPEATED = frozenset(
    {
        (None, "ps"),
        ("instance", "list"),
        *(("service", verb) for verb in ("start", "stop", "restart", "remove", "status", "logs")),
    }
)
_OPTION_VALUES = {
    "--codebase": "codebase",
    "--class": "class",
    "--instance": "instance",
    "--service": "service",
    "--host": "host",
    "--output": "output",
    "-o": "output",
    "--color": "color",
    "--restart": "restart",
    "--strategy": "strategy",
    "--start-method": "start_method",
}
# Options without a value; after any other option comes its value.
_SWITCHES = frozenset(
    {
        *("--json", "--wait", "--no-wait", "--singleton", "--with-services", "--origin"),
        *("--all", "-a", "--follow", "-f", "--previous", "-p", "--yes", "-y", "--dry-run"),
        *("--keep-running", "-k", "--help", "-h"),
    }
)
_FIXED: dict[str, Sequence[str]] = {
    "output": OUTPUTS,
    "color": COLORS,
    "restart": ("always", "on-failure", "never"),
    "strategy": ("subprocess", "in-process"),
    "start_method": ("fork", "exec"),
    "shell": ("bash", "zsh", "fish"),
}


class Asked(NamedTuple):
    """The word being completed: its kind, the words before it, and its prefix."""

    kind: str
    words: tuple[str, ...]
    prefix: str


def print_candidates(words: Sequence[str]) -> int:
    """Print the candidates for the last word, one a line, with a description after a tab."""
    try:
        for value, text in candidates(words):
            print(f"{visible(value)}\t{visible(text)}" if text else visible(value))
    except (OdbctlError, OSError):
        pass  # a home that cannot be read has no candidates; the command itself will say why
    except Exception as error:  # noqa: BLE001 - the end of the process: it is written down
        from odbctl.commands.output.failures import write_report

        write_report(error, None)
    return 0


def candidates(words: Sequence[str]) -> list[tuple[str, str]]:
    """Return the (value, description) pairs that begin with the last word."""
    asked = understand(words)
    if asked is None:
        return []
    return [(v, text) for v, text in _values(asked) if v.startswith(asked.prefix)]


def understand(words: Sequence[str]) -> Asked | None:
    """Return what kind of word the last one is; None when nothing can be offered."""
    *before, prefix = words or [""]
    if prefix.startswith("-") or "--" in before:
        return None
    given = tuple(before)
    if given and given[-1] in _OPTION_VALUES:
        return Asked(_OPTION_VALUES[given[-1]], given, prefix)
    if given and given[-1].startswith("-") and given[-1] not in _SWITCHES:
        return None
    path = _positionals(given)
    if not path:
        return Asked("command", given, prefix)
    if path[0] in SHORTCUTS:
        path = ["service", SHORTCUTS[path[0]], *path[1:]]
    if path[0] in NOUNS:
        if len(path) == 1:
            return Asked("verb", given, prefix)
        key = (path[0], resolve(path[0], path[1]) or "")
        return _at(key, len(path) - 2, given, prefix)
    return _at((None, path[0]), len(path) - 1, given, prefix)


def _at(
    key: tuple[str | None, str], place: int, given: tuple[str, ...], prefix: str
) -> Asked | None:
    kinds = _POSITIONS.get(key, ())
    if key in _REPEATED:
        place = min(place, len(kinds) - 1)
    return Asked(kinds[place], given, prefix) if place < len(kinds) else None


def _positionals(words: Sequence[str]) -> list[str]:
    """Return the words that are neither options nor their values."""
    found: list[str] = []
    is_value = False
    for word in words:
        if is_value:
            is_value = False
        elif word.startswith("-"):
            is_value = word not in _SWITCHES and "=" not in word
        else:
            found.append(word)
    return found


def _values(asked: Asked) -> Candidates:
    if asked.kind in _FIXED:
        return [(value, "") for value in _FIXED[asked.kind]]
    if asked.kind == "command":
        daily = [(word, NOUNS["service"][1][verb]) for word, verb in SHORTCUTS.items()]
        return [*daily, *TOP.items(), *((noun, text) for noun, (text, _) in NOUNS.items())]
    if asked.kind == "verb":
        nouns = [word for word in asked.words if word in NOUNS]
        return list(NOUNS[nouns[0]][1].items()) if nouns else []
    if asked.kind == "ref":
        return _refs_of(_option(asked.words, "--repo") or ".")
    return _from_database(asked)


def _option(words: Sequence[str], name: str) -> str | None:
    for place, word in enumerate(words[:-1]):
        if word == name:
            return words[place + 1]
    return None


def _from_database(asked: Asked) -> Candidates:
    flags = {"home": home} if (home := _option(asked.words, "--home")) else {}
    home_paths = load_settings(flags, os.environ, None).home
    if not home_paths.database.exists():
        return []
    from odbctl.engine.api.engine import Engine

    with Engine.open(home_paths) as engine:
        return list(_READERS[asked.kind](engine, asked.words))


def _services(engine: Engine, words: Sequence[str]) -> Candidates:
    from odbctl.engine.api.status import list_services

    del words
    return [(s["name"], s["state"]) for s in list_services(engine)]


def _instances(engine: Engine, words: Sequence[str]) -> Candidates:
    from odbctl.engine.api.instance_listing import list_instances

    del words
    return [(i["id"], i["state"]) for i in list_instances(engine)]


def _hosts(engine: Engine, words: Sequence[str]) -> Candidates:
    from odbctl.engine.api.status import list_hosts

    del words
    return [(h["name"], h["state"]) for h in list_hosts(engine)]


def _codebases(engine: Engine, words: Sequence[str]) -> Candidates:
    from odbctl.engine.api.codebases import list_codebases

    del words
    found = list_codebases(engine)
    newest = {c["name"]: (c["name"], c["subject"]) for c in found}
    return [
        *newest.values(),
        *((f"{c['name']}@{ref}", c["subject"]) for c in found for ref in c["refs"]),
    ]


def _classes(engine: Engine, words: Sequence[str]) -> Candidates:
    from odbctl.engine.api.codebases import codebase_services, list_codebases

    given = _option(words, "--codebase")
    names = [given] if given else sorted({c["name"] for c in list_codebases(engine)})
    return [(f["class"], f["doc"]) for name in names for f in codebase_services(engine, name)]


def _deploy_refs(engine: Engine, words: Sequence[str]) -> Candidates:
    from odbctl.engine.api.codebases import show_codebase
    from odbctl.engine.api.status import service_status

    path = _positionals(words)
    source = service_status(engine, path[1 if path[0] in SHORTCUTS else 2])["codebase"]
    if source is None:
        return []
    repo = show_codebase(engine, source["name"])["repo"]
    return [*_refs_of(repo), *_codebases(engine, words)]


def _refs_of(repo: str) -> Candidates:
    from odbctl.engine.api.ref_names import list_ref_names

    return list_ref_names(repo)


_READERS: dict[str, Callable[[Engine, Sequence[str]], Candidates]] = {
    "service": _services,
    "instance": _instances,
    "host": _hosts,
    "codebase": _codebases,
    "class": _classes,
    "deploy_ref": _deploy_refs,
}
