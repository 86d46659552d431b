"""Keys that a person has chosen: checked against the bindings there are. Pure.

Every binding has an id, by default its description in small letters with dashes
(`Next row` is `next-row`). The user's file maps ids to keys, as
`start = "s"` or `next-row = "n,down"`. What is read is what Textual's keymap takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from textual.binding import Binding, BindingType

from odbctl.errors import UsageError

KEYS_TABLE = "keys"
# Actions that change something; a terminal multiplexer's own keys must not reach them.
CHANGING_ACTIONS = frozenset(
    {"start", "stop", "restart", "scale", "deploy", "roll_back", "actions"}
)
_MULTIPLEXER_KEYS = frozenset(f"ctrl+{key}" for key in "hjklab")
_FUNCTION_KEY = re.compile(r"((ctrl|alt|shift)\+)*f\d+")
_KEY = re.compile(r"((ctrl|alt|shift|super)\+)*([a-z][a-z0-9_]*|[^\s,])", re.IGNORECASE)
_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "equals_sign": "=",
    "exclamation_mark": "!",
    "colon": ":",
    "ampersand": "&",
    "at": "@",
    "plus": "+",
    "minus": "-",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "pagedown": "page down",
    "pageup": "page up",
}
_LONG_NAMES = {short: long for long, short in _NAMES.items() if len(short) == 1}

# The bindings that may be heard at the same time, by what is seen then.
Groups = Mapping[str, Sequence[BindingType]]


def identified(bindings: Iterable[BindingType]) -> list[BindingType]:
    """Return bindings of which each has an id, so that its keys can be chosen."""
    return [
        replace(b, id=action_id(b)) if isinstance(b, Binding) and b.description else b
        for b in bindings
    ]


def action_id(binding: Binding) -> str:
    """Return the id that a binding has, or would have."""
    return binding.id or re.sub(r"[^a-z0-9]+", "-", binding.description.lower()).strip("-")


def effective_keys(binding: Binding, keymap: Mapping[str, str]) -> str:
    """Return the keys of a binding, as they are now."""
    return keymap.get(action_id(binding), binding.key)


def key_names(keys: str) -> str:
    """Return keys as people know them."""
    return " ".join(_NAMES.get(key, key) for key in keys.split(","))


def check_keymap(chosen: Mapping[str, str], groups: Groups, *, path: str) -> dict[str, str]:
    """Return the keymap that a person has chosen.

    Args:
        chosen: Keys by id, as the file has them.
        groups: The bindings there are.
        path: The file, for messages.

    Raises:
        UsageError: There is no such action, a key is none or not allowed, or taken twice.
    """
    known = {action_id(b): b for b in _bindings(groups)}
    keymap = {name: _keys(name, text, known, path) for name, text in chosen.items()}
    for title, bindings in groups.items():
        _refuse_doubles(title, bindings, keymap, path)
    return keymap


def _bindings(groups: Groups) -> Iterable[Binding]:
    return (b for bindings in groups.values() for b in bindings if isinstance(b, Binding))


def _keys(name: str, text: str, known: Mapping[str, Binding], path: str) -> str:
    if name not in known:
        import difflib

        near = difflib.get_close_matches(name, known, n=1) or ["odbctl tui, then ?"]
        raise UsageError(f"{path}: [{KEYS_TABLE}] has no action {name!r}", hint=near[0])
    keys = [_LONG_NAMES.get(key.strip(), key.strip()) for key in text.split(",")]
    for key in keys:
        _check_key(name, key, known[name], path)
    return ",".join(keys)


def _check_key(name: str, key: str, binding: Binding, path: str) -> None:
    where = f"{path}: [{KEYS_TABLE}] {name}"
    if not _KEY.fullmatch(key):
        raise UsageError(
            f"{where}: {key!r} is not a key", hint='for example "s", "ctrl+s" or "n,down"'
        )
    if _FUNCTION_KEY.fullmatch(key.lower()):
        raise UsageError(f"{where}: {key} is often the terminal's own", hint="choose a letter")
    if is_changing(binding) and key.lower() in _MULTIPLEXER_KEYS:
        raise UsageError(
            f"{where}: {key} is a terminal multiplexer's key, and this changes something",
            hint="choose another key",
        )


def is_changing(binding: Binding) -> bool:
    """Tell whether a binding leads to a change of services."""
    return binding.action.partition("(")[0] in CHANGING_ACTIONS


def _refuse_doubles(
    title: str, bindings: Sequence[BindingType], keymap: Mapping[str, str], path: str
) -> None:
    """Refuse a key that two actions have, when a chosen one is among them."""
    taken: dict[str, str] = {}
    for binding in bindings:
        if not isinstance(binding, Binding):
            continue
        name = action_id(binding)
        for key in effective_keys(binding, keymap).split(","):
            other = taken.setdefault(key, name)
            if other != name and (name in keymap or other in keymap):
                raise UsageError(
                    f"{path}: [{KEYS_TABLE}] {key_names(key)} is both {other} and {name} ({title})",
                    hint=f"give {other if name in keymap else name} another key as well",
                )
