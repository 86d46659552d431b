"""Codecs of the types that hold others: list, tuple, set, dict, unions.

A column holds them as JSON text, so that the `sqlite3` shell can read them.
What JSON cannot tell apart is told apart by the declared type, and in a union
whose members look alike in JSON, by a tag: `{"datetime": "2026-01-01"}`. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from odbctl.engine.odb.codec import Codec, Mismatch, Stored, as_json_text, dumps
from odbctl.light_typing import Any

# The kind of a Literal whose options are of several types.
LITERAL = "literal"
_NOT_OF_THE_KIND = (LookupError, ValueError, TypeError, ArithmeticError)
Encode = Callable[[Any], Any]
Decode = Callable[[Any], Any] | None


def list_codec(item: Codec) -> Codec:
    """Make the codec of `list[item]`."""
    encode_item, decode_item = item.to_json, item.from_json
    text = f"list[{item.text}]"

    def encode(value: object) -> list[Any]:
        return _encoded(encode_item, _checked(value, list, text))

    def decode(value: list[Any]) -> list[Any]:
        return value if decode_item is None else [decode_item(each) for each in value]

    return as_json_text(text, "list", (list,), encode=encode, decode=decode, parts=(item,))


def tuple_codec(item: Codec) -> Codec:
    """Make the codec of `tuple[item, ...]`."""
    encode_item, decode_item = item.to_json, item.from_json
    text = f"tuple[{item.text}, ...]"

    def encode(value: object) -> list[Any]:
        return _encoded(encode_item, _checked(value, tuple, text))

    def decode(value: list[Any]) -> tuple[Any, ...]:
        return tuple(value if decode_item is None else map(decode_item, value))

    return as_json_text(text, "list", (tuple,), encode=encode, decode=decode, parts=(item,))


def fixed_tuple_codec(items: Sequence[Codec]) -> Codec:
    """Make the codec of `tuple[first, second]`: a codec per place."""
    text = f"tuple[{', '.join(item.text for item in items) or '()'}]"

    def encode(value: object) -> list[Any]:
        places = _checked(value, tuple, text)
        if len(places) != len(items):
            raise Mismatch(text, value)
        found: list[Any] = []
        for number, (item, one) in enumerate(zip(items, places, strict=True)):
            try:
                found.append(item.to_json(one))
            except Mismatch as mismatch:
                raise mismatch.under(f"[{number}]") from None
        return found

    def decode(value: list[Any]) -> tuple[Any, ...]:
        return tuple(from_json(item, one) for item, one in zip(items, value, strict=True))

    return as_json_text(text, "list", (tuple,), encode=encode, decode=decode, parts=items)


def set_codec(item: Codec, kind: type[set[Any]] | type[frozenset[Any]]) -> Codec:
    """Make the codec of `set[item]` or `frozenset[item]`; equal sets are stored alike."""
    decode_item = item.from_json
    text = f"{kind.__name__}[{item.text}]"

    def encode(value: object) -> list[Any]:
        members = _checked(value, kind, text)
        return sorted((item.to_json(each) for each in members), key=dumps)

    def decode(value: list[Any]) -> set[Any] | frozenset[Any]:
        return kind(value if decode_item is None else map(decode_item, value))

    return as_json_text(text, "list", (kind,), encode=encode, decode=decode, parts=(item,))


def dict_codec(key: Codec, item: Codec, *, is_sorted: bool = False) -> Codec:
    """Make the codec of `dict[key, item]`: a JSON object, or pairs if keys are no text.

    Args:
        key: The codec of the keys.
        item: The codec of the values.
        is_sorted: Whether equal dicts are stored alike; otherwise they keep their order.
    """
    text = f"dict[{key.text}, {item.text}]"

    def encode_pairs(value: object) -> list[tuple[Any, Any]]:
        pairs = _checked(value, dict, text).items()
        found: list[tuple[Any, Any]] = []
        for name, each in pairs:
            try:
                found.append((key.to_json(name), item.to_json(each)))
            except Mismatch as mismatch:
                raise mismatch.under(f"[{name!r:.40}]") from None
        return sorted(found, key=lambda pair: dumps(pair[0])) if is_sorted else found

    def encode_object(value: object) -> dict[str, Any]:
        return dict(encode_pairs(value))

    def decode_pairs(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
        return {from_json(key, name): from_json(item, each) for name, each in pairs}

    def decode_object(value: dict[str, Any]) -> dict[Any, Any]:
        return decode_pairs(value.items())

    parts = key, item
    if key.kind == "str":
        plain = key.from_json is None and item.from_json is None
        decode = None if plain else decode_object
        codec = as_json_text(
            text, "dict", (dict,), encode=encode_object, decode=decode, parts=parts
        )
    else:
        codec = as_json_text(
            text, "list", (dict,), encode=encode_pairs, decode=decode_pairs, parts=parts
        )
    codec.has_equal_forms = True
    return codec


def nullable(codec: Codec) -> Codec:
    """Make the codec of `codec | None`; a column holds None as NULL."""
    encode_column, encode_json, decode_json = codec.to_column, codec.to_json, codec.from_json

    def to_column(value: object) -> Stored:
        return None if value is None else encode_column(value)

    def to_json(value: object) -> object:
        return None if value is None else encode_json(value)

    def from_json_or_none(value: object) -> object:
        return None if value is None or decode_json is None else decode_json(value)

    found = Codec(
        text=f"{codec.text} | None",
        column=codec.column,
        kind=f"{codec.kind} or null",
        python_types=(*codec.python_types, type(None)),
        to_json=to_json,
        from_json=None if decode_json is None else from_json_or_none,
        to_column=to_column,
        from_column=codec.from_column,
    )
    found.has_references = codec.has_references
    found.has_equal_forms = codec.has_equal_forms
    found.types = codec.types
    found.is_ordered = codec.is_ordered
    return found


def union_codec(members: Sequence[Codec]) -> Codec:
    """Make the codec of a union of two or more types that are not None."""
    text = " | ".join(member.text for member in members)
    kinds = [member.kind for member in members]
    tagged = len(set(kinds)) < len(kinds)
    choose = _chooser(text, members)
    by_kind = {member.kind: member for member in members}

    def encode(value: object) -> object:
        member, encoded = choose(value)
        if tagged:
            return {member.text: encoded}
        if member.kind == LITERAL:
            _check_literal(by_kind, encoded)
        return encoded

    decode = _tagged_decoder(members) if tagged else _kind_decoder(members)
    python_types = tuple(kind for member in members for kind in member.python_types)
    kind = "dict" if tagged else " or ".join(kinds)
    return as_json_text(text, kind, python_types, encode=encode, decode=decode, parts=members)


def from_json(codec: Codec, value: Any) -> Any:
    """Decode one value inside a container."""
    return value if codec.from_json is None else codec.from_json(value)


def _encoded(encode: Encode, items: Sequence[Any]) -> list[Any]:
    try:
        return [encode(each) for each in items]
    except Mismatch:
        for number, each in enumerate(items):
            try:
                encode(each)
            except Mismatch as mismatch:
                raise mismatch.under(f"[{number}]") from None
        raise


def _checked(value: object, kind: type, text: str) -> Any:
    """Return `value` if it is a `kind`; its items are the caller's to check."""
    if not isinstance(value, kind):
        raise Mismatch(text, value)
    return value


def _chooser(text: str, members: Sequence[Codec]) -> Callable[[Any], tuple[Codec, Any]]:
    """Make the function that finds the member of a union a value belongs to."""
    exact = {kind: member for member in members for kind in member.python_types}

    def choose(value: object) -> tuple[Codec, Any]:
        # An exact type goes first: `float | int` must not turn 1 into 1.0.
        first = exact.get(type(value))
        for member in (first, *members) if first else members:
            try:
                return member, member.to_json(value)
            except Mismatch:
                continue
        raise Mismatch(text, value)

    return choose


def _tagged_decoder(members: Sequence[Codec]) -> Decode:
    by_tag = {member.text: member for member in members}

    def decode(value: dict[str, Any]) -> object:
        ((tag, inner),) = value.items()
        return from_json(by_tag[tag], inner)

    return decode


def _kind_decoder(members: Sequence[Codec]) -> Decode:
    if all(member.from_json is None for member in members):
        return None
    by_kind = {member.kind: member for member in members}
    literal = by_kind.get(LITERAL)

    def decode(value: object) -> object:
        return from_json(by_kind[type(value).__name__], value)

    def decode_or_literal(value: object) -> object:
        try:
            return decode(value)
        except _NOT_OF_THE_KIND:
            assert literal is not None, "decodes nothing else"
            try:
                return literal.to_json(value)
            except Mismatch as mismatch:
                raise ValueError(f"{value!r:.40} is not {mismatch.expected}") from None

    return decode if literal is None else decode_or_literal


def _check_literal(by_kind: Mapping[str, Codec], value: object) -> None:
    """Check that a value of a Literal of several types is not read as that of another type.

    Raises:
        ValueError: It would be.
    """
    other = by_kind.get(type(value).__name__)
    if other is None or other.from_json is None:
        return
    try:
        other.from_json(value)
    except _NOT_OF_THE_KIND:
        return
    raise ValueError(f"{value!r:.40} of the Literal would be read as {other.text}")
