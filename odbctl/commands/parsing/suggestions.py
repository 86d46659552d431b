"""What somebody probably meant by a command that does not exist.

Runs in the command line's process, only for a command that was not found. A
suggestion that may be wrong is worse than none: what is offered is the same
word under a noun, a word that other tools use for it, or a typing error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from odbctl.commands.catalog import ALIASES, NOUNS, SHORTCUTS, TOP, resolve
from odbctl.errors import UsageError, shown

# Words of other tools, by the verb that does it here.
_SYNONYMS = {
    "reboot": "restart",
    "reload": "restart",
    "bounce": "restart",
    "up": "start",
    "launch": "start",
    "down": "stop",
    "halt": "stop",
    "shutdown": "stop",
    "terminate": "kill",
    "delete": "remove",
    "del": "remove",
    "destroy": "remove",
    "uninstall": "remove",
    "describe": "show",
    "inspect": "show",
    "info": "show",
    "get": "list",
    "log": "logs",
    "tail": "logs",
    "update": "set",
    "edit": "set",
    "config": "configure",
    "upgrade": "deploy",
    "release": "deploy",
    "revert": "rollback",
    "undo": "rollback",
    "releases": "history",
    "new": "create",
    "top": "tui",
    "ui": "tui",
    "dashboard": "tui",
    "check": "doctor",
    "explain": "why",
}
# How alike two words have to be. `restart` and `status` are 0.62, `lsit` and `list` 0.75.
_LIKENESS = 0.75


def unknown_command(word: str, after: Sequence[str] = ()) -> UsageError:
    """Return the error for a first word that is no command."""
    return UsageError(
        f"no command {shown(word)}", hint=_hint(_top_level(word, after), "odbctl --help")
    )


def _top_level(word: str, after: Sequence[str]) -> list[str]:
    """Return the commands that a first word may stand for."""
    if word.endswith("s") and word[:-1] in NOUNS:
        noun = word[:-1]
        verb = resolve(noun, after[0]) if after else "list"
        return [f"{noun} {verb}" if verb in NOUNS[noun][1] else noun]
    if found := _with_verb(word):
        return found
    known = _SYNONYMS.get(word)
    if known is not None:
        return [known] if known in TOP or known in SHORTCUTS else _with_verb(known)
    if near := _near(word, [*NOUNS, *TOP, *SHORTCUTS]):
        return [near]
    verbs = {verb for _, found in NOUNS.values() for verb in found}
    return _with_verb(near) if (near := _near(word, sorted(verbs))) else []


def _with_verb(word: str) -> list[str]:
    """Return the commands whose verb is `word`; `service` has priority."""
    nouns = [noun for noun, (_, verbs) in NOUNS.items() if word in verbs]
    return [f"service {word}"] if "service" in nouns else [f"{noun} {word}" for noun in nouns]


def unknown_verb(noun: str, word: str) -> UsageError:
    """Return the error for a verb that a noun does not have."""
    verbs = NOUNS[noun][1]
    known = _SYNONYMS.get(word, word)
    if known in verbs:
        found = [f"{noun} {known}"]
    elif near := _near(word, [*verbs, *(a for a, verb in ALIASES.items() if verb in verbs)]):
        found = [f"{noun} {near}"]
    else:
        found = [known] if known in TOP else []
    return UsageError(
        f"{noun} has no command {shown(word)}", hint=_hint(found, f"odbctl {noun} --help")
    )


def _near(word: str, known: Iterable[str]) -> str | None:
    import difflib

    found = difflib.get_close_matches(word, list(known), n=1, cutoff=_LIKENESS)
    return found[0] if found else None


def _hint(commands: Sequence[str], otherwise: str) -> str:
    return " or ".join(f"odbctl {command}" for command in commands[:3]) or otherwise
