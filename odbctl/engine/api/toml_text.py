"""Settings as TOML that people edit: values to text, and back with their types checked. Pure."""

from __future__ import annotations

import json
import tomllib
from typing import Any, cast

from odbctl.engine.api.setting_changes import Setting
from odbctl.errors import UsageError


def toml_value(value: Setting) -> str:
    """Return a value as TOML."""
    if isinstance(value, list):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower()


def parse_toml(text: str) -> dict[str, Any]:
    """Return the values of a TOML text by key.

    Raises:
        UsageError: The text is not TOML.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        message = str(error) or "it is nested too deeply"
        raise UsageError(f"the text is not valid TOML: {message}") from error


def typed_setting(key: str, value: object, *, like: Setting) -> Setting:
    """Return an edited value with the type of the value that was there.

    Args:
        key: What the setting is called.
        value: The edited value.
        like: A value of the right type. A text also takes a number, such as the seconds of a
            duration.

    Raises:
        UsageError: The type is wrong.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(like, bool):
        return cast("bool", _checked(key, value, isinstance(value, bool), "true or false"))
    if isinstance(like, float):
        return float(cast("float", _checked(key, value, is_number, "a number")))
    if isinstance(like, int):
        is_count = is_number and isinstance(value, int) and value >= 1
        return cast("int", _checked(key, value, is_count, "a whole number of at least 1"))
    if isinstance(like, list):
        expected = 'a list of names, for example ["db"]'
        return cast("list[str]", _checked(key, value, _is_list_of_texts(value), expected))
    expected = f'a string, for example "{like}"'
    return str(_checked(key, value, is_number or isinstance(value, str), expected))


def _checked(key: str, value: object, is_right: bool, expected: str) -> object:
    if not is_right:
        raise UsageError(f"{key} must be {expected}")
    return value


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, str) for item in cast("list[object]", value)
    )
