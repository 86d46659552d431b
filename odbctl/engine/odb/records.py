"""Codecs of frozen dataclasses and named tuples: JSON objects of their fields.

A field that a stored value lacks, because an older release wrote it, has its
default; one that this release does not know is left out. Pure.
"""

from __future__ import annotations

import _thread  # `threading` would take 1 ms more
import sys
from collections.abc import Callable, Mapping

from odbctl.engine.odb.codec import Codec, Mismatch, as_json_text
from odbctl.light_typing import Any, NamedTuple

FindCodec = Callable[[Any], Codec]


class _Member(NamedTuple):
    """One field of a record."""

    name: str
    codec: Codec
    is_given: bool  # to the constructor


class _Records(_thread._local):  # pyright: ignore[reportPrivateUsage] - as `threading` does
    """Records whose codec is being made in this thread: one may hold others of its own type."""

    def __init__(self) -> None:
        self.unfinished: dict[Any, list[Codec]] = {}


_records = _Records()


def is_record(kind: object) -> bool:
    """Tell whether values of a type are stored field by field."""
    return hasattr(kind, "__dataclass_fields__") or (
        hasattr(kind, "_fields") and hasattr(kind, "_make")
    )


def record_codec(hint: Any, find: FindCodec) -> Codec:
    """Make the codec of a frozen dataclass or a named tuple, generic ones too.

    Args:
        hint: The class, perhaps with arguments.
        find: Finds the codecs of the fields.

    Raises:
        TypeError: The dataclass is not frozen, or a field cannot be stored.
    """
    if hint in _records.unfinished:
        return _within(hint)
    kind: type[Any] = getattr(hint, "__origin__", hint)
    parameters = getattr(kind, "__dataclass_params__", None)
    if parameters is not None and not parameters.frozen:
        raise TypeError(f"{kind.__name__} is a dataclass that is not frozen, so it could change")
    _records.unfinished[hint] = []
    try:
        codec = _codec(kind, _members(hint, kind, find))
        _records.unfinished[hint].append(codec)
    finally:
        # Those that were made within look here until they are first used.
        del _records.unfinished[hint]
    return codec


def _within(hint: Any) -> Codec:
    """Make a codec that stands for one that is not finished."""
    finished = _records.unfinished[hint]
    kind: type[Any] = getattr(hint, "__origin__", hint)
    return as_json_text(
        kind.__name__,
        "dict",
        (kind,),
        # It is not there yet.
        encode=lambda value: finished[0].to_json(value),  # noqa: PLW0108 - see above
        decode=lambda value: _from_json(finished[0], value),
    )


def _codec(kind: type[Any], members: list[_Member]) -> Codec:
    text = kind.__name__
    given = [member for member in members if member.is_given]
    computed = [member for member in members if not member.is_given]

    def encode(value: object) -> dict[str, Any]:
        if type(value) is not kind:
            raise Mismatch(text, value)
        try:
            return {name: codec.to_json(getattr(value, name)) for name, codec, _ in members}
        except Mismatch:
            raise _located(members, value) from None

    def decode(stored: Mapping[str, Any]) -> object:
        record = kind(
            **{name: _from_json(codec, stored[name]) for name, codec, _ in given if name in stored}
        )
        for name, codec, _ in computed:
            # What it was computed from need not be there any more, as an InitVar.
            if name in stored:
                object.__setattr__(record, name, _from_json(codec, stored[name]))
        return record

    parts = [member.codec for member in members]
    codec = as_json_text(text, "dict", (kind,), encode=encode, decode=decode, parts=parts)
    codec.types = {**codec.types, text: ("record", *_contents(kind, members))}
    return codec


def _contents(kind: type[Any], members: list[_Member]) -> list[str]:
    """Write what the record holds, as `type_contents` reads it."""
    fields: Mapping[str, Any] = getattr(kind, "__dataclass_fields__", {})
    defaults: Mapping[str, Any] = getattr(kind, "_field_defaults", {})
    found: list[str] = []
    for name, codec, is_given in members:
        has_default = not is_given or name in defaults or _has_default(fields.get(name))
        found.append(f"{name}{'?' if has_default else ''}: {codec.text}")
    return found


def _has_default(field: Any) -> bool:
    # By name: a quick command does not import `dataclasses`.
    given = [getattr(field, name, None) for name in ("default", "default_factory")]
    return field is not None and any(type(each).__name__ != "_MISSING_TYPE" for each in given)


def _from_json(codec: Codec, value: Any) -> Any:
    return value if codec.from_json is None else codec.from_json(value)


def _located(members: list[_Member], value: object) -> Mismatch:
    """Say which field of a record does not fit."""
    for name, codec, _ in members:
        try:
            codec.to_json(getattr(value, name))
        except Mismatch as mismatch:
            return mismatch.under(f".{name}")
    raise AssertionError("one of them did not fit a moment ago")


def _members(hint: Any, kind: type[Any], find: FindCodec) -> list[_Member]:
    hints = _hints_of(kind)
    _check_given(kind)
    parameters, arguments = getattr(kind, "__parameters__", ()), getattr(hint, "__args__", ())
    values = dict(zip(parameters, arguments, strict=False))
    fields: Mapping[str, Any] = getattr(kind, "__dataclass_fields__", {})
    names: list[str] = list(fields) or list(kind._fields)
    if not fields and (untyped := [name for name in names if name not in hints]):
        raise TypeError(f"{kind.__name__}.{untyped[0]} has no type: use typing.NamedTuple")
    return [
        _Member(
            name, _found(kind, name, _filled(hints[name], values), find), _is_given(fields, name)
        )
        for name in names
        if name in hints and _is_field(fields, name)
    ]


def _check_given(kind: type[Any]) -> None:
    """Refuse a dataclass that could not be made again from its fields.

    Raises:
        TypeError: It needs an InitVar, which is not stored.
    """
    fields: Mapping[str, Any] = getattr(kind, "__dataclass_fields__", {})
    for name, each in fields.items():
        is_needed = not (hasattr(kind, name) or callable(each.default_factory))
        if each._field_type.name == "_FIELD_INITVAR" and is_needed:
            raise TypeError(f"{kind.__name__}.{name} is an InitVar without a default, not a field")


def _found(kind: type[Any], name: str, hint: Any, find: FindCodec) -> Codec:
    try:
        return find(hint)
    except TypeError as error:
        raise TypeError(f"{kind.__name__}.{name}: {error}") from None


def _hints_of(kind: type[Any]) -> dict[str, Any]:
    try:
        return _plain_hints(kind) or _typing_hints(kind)
    except NameError as error:
        raise TypeError(f"{kind.__name__}: {error}; define it in a module") from None


def _plain_hints(kind: type[Any]) -> dict[str, Any]:
    """Evaluate the annotations of a class if all are text without names in quotes; else nothing.

    Most are, and `typing`, which evaluates any, is a large import for a quick command.
    """
    hints: dict[str, Any] = {}
    scope = vars(sys.modules[kind.__module__])
    for base in reversed(kind.__mro__):
        own: dict[str, object] = vars(base).get("__annotations__", {})
        for name, hint in own.items():
            if not isinstance(hint, str) or "'" in hint or '"' in hint:
                return {}
            hints[name] = eval(hint, scope, vars(base))  # noqa: S307 - the author's annotation
    return hints


def _typing_hints(kind: type[Any]) -> dict[str, Any]:
    from typing import get_type_hints

    # With extras: a mark is refused later, not dropped here.
    return get_type_hints(kind, vars(sys.modules[kind.__module__]), include_extras=True)


def _filled(hint: Any, values: Mapping[Any, Any]) -> Any:
    """Put the arguments of a generic class in place of its parameters."""
    if not values:
        return hint
    from typing import TypeVar

    if isinstance(hint, TypeVar):
        return values.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    return hint[tuple(values.get(each, each) for each in parameters)] if parameters else hint


def _is_field(fields: Mapping[str, Any], name: str) -> bool:
    # ClassVar and InitVar stand among the fields of a dataclass with another type of field.
    return name not in fields or fields[name]._field_type.name == "_FIELD"


def _is_given(fields: Mapping[str, Any], name: str) -> bool:
    return name not in fields or bool(fields[name].init)
