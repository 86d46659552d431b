"""Typed configuration: plain values checked against the annotations of `Config`.

`Config` is any class with annotated attributes (a dataclass is the natural
choice); it is called with the values as keywords.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence

from odbctl.engine.worker.launch import ConfigValue

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def build_config(config_class: type | None, values: Mapping[str, ConfigValue]) -> object:
    """Make a service's configuration from stored values.

    Raises:
        ValueError: A value is unknown, missing or of the wrong type; it says which.
    """
    if config_class is None:
        return dict(values)
    hints = typing.get_type_hints(config_class)
    if unknown := sorted(set(values) - set(hints)):
        known = ", ".join(sorted(hints)) or "none"
        raise ValueError(f"unknown configuration value {unknown[0]!r} (known: {known})")
    checked = {name: check_value(name, hints[name], value) for name, value in values.items()}
    try:
        return config_class(**checked)
    except TypeError as error:
        raise ValueError(str(error)) from error


def parse_assignments(config_class: type | None, words: Sequence[str]) -> dict[str, ConfigValue]:
    """Parse `key=value` words by the types of `Config`; without one, as text."""
    hints = typing.get_type_hints(config_class) if config_class else {}
    values: dict[str, ConfigValue] = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign or not name:
            raise ValueError(f"{word!r} is not key=value")
        if config_class is not None and name not in hints:
            known = ", ".join(sorted(hints)) or "none"
            raise ValueError(f"unknown configuration value {name!r} (known: {known})")
        values[name] = parse_value(name, hints.get(name, str), text)
    return values


def parse_value(name: str, hint: object, text: str) -> ConfigValue:
    """Parse one value's text by its annotation."""
    choices = _choices(hint)
    if type(None) in choices and text.lower() in ("none", "null"):
        return None
    if bool in choices and text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        if kind in choices:
            try:
                return kind(text)
            except ValueError:
                continue
    if str in choices:
        return text
    raise ValueError(f"{name}: {text!r} is not {_spell(hint)}")


def check_value(name: str, hint: object, value: ConfigValue) -> ConfigValue:
    """Check a stored value against its annotation; text is parsed where text does not fit."""
    choices = _choices(hint)
    if type(value) in choices:
        return value
    if type(value) is int and float in choices:
        return float(value)
    if isinstance(value, str):
        return parse_value(name, hint, value)
    raise ValueError(f"{name}: {value!r} is not {_spell(hint)}")


def _choices(hint: object) -> tuple[object, ...]:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return typing.get_args(hint)
    return (hint,)


def _spell(hint: object) -> str:
    return " | ".join(getattr(choice, "__name__", str(choice)) for choice in _choices(hint))
