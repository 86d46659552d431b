"""How one value is checked and stored: a `Codec` per type.

Every type has two stored forms: a JSON one, used inside containers, and a
column one, which is the same for scalars and JSON text for containers. Pure;
used by every process. The types that nest are in `containers.py`, and
`hints.py` finds the codec of a type hint.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any, NamedTuple

Stored = int | float | str | bytes | None
Row = tuple[Stored, ...]

SMALLEST_INT = -(2**63)
LARGEST_INT = 2**63 - 1


class Mismatch(Exception):  # noqa: N818 - internal signal, turned into TypeError by the field
    """A value that is not of the expected type; the field says where."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(expected)
        self.expected = expected
        self.value = value


class Codec(NamedTuple):
    """How values of one type are checked, written and read."""

    text: str  # as a person writes the type
    column: str  # SQLite's column type
    kind: str  # which JSON value it becomes: null, bool, int, float, str, list or dict
    python_types: tuple[type, ...]  # whose values it takes as they are
    to_json: Callable[[Any], Any]  # raises Mismatch
    from_json: Callable[[Any], Any] | None  # None: as it is
    to_column: Callable[[Any], Stored]  # raises Mismatch
    from_column: Callable[[Any], Any] | None  # None: as it is; never called with NULL


dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
loads = json.JSONDecoder().decode


def scalar(
    text: str,
    column: str,
    kind: str,
    python_type: type,
    *,
    encode: Callable[[Any], Any],
    decode: Callable[[Any], Any] | None = None,
) -> Codec:
    """Make the codec of a type that is stored alike in JSON and in a column."""
    return Codec(text, column, kind, (python_type,), encode, decode, encode, decode)


def as_json_text(
    text: str,
    kind: str,
    python_types: tuple[type, ...],
    *,
    encode: Callable[[Any], Any],
    decode: Callable[[Any], Any] | None,
) -> Codec:
    """Make the codec of a type whose column holds JSON text."""

    def to_column(value: object) -> str:
        return checked_text(dumps(encode(value)))

    def from_column(stored: str) -> object:
        value = loads(stored)
        return value if decode is None else decode(value)

    return Codec(text, "TEXT", kind, python_types, encode, decode, to_column, from_column)


def checked_text(value: str) -> str:
    """Return `value` if SQLite can store it.

    Raises:
        UnicodeEncodeError: It holds half of a surrogate pair.
    """
    if not value.isascii():
        value.encode()
    return value


def _encode_str(value: object) -> str:
    if type(value) is str:
        return checked_text(value)
    if isinstance(value, str):
        return checked_text(str.__str__(value))
    raise Mismatch("str", value)


def _encode_int(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        if SMALLEST_INT <= value <= LARGEST_INT:
            return int(value)
        raise ValueError(f"{value} has more than 64 bits")
    raise Mismatch("int", value)


def _encode_float(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # SQLite turns NaN into NULL, which would come back as None.
        if value != value:
            raise ValueError("NaN cannot be stored")
        return float(value)
    raise Mismatch("float", value)


def _encode_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Mismatch("bool", value)


def _encode_none(value: object) -> None:
    if value is not None:
        raise Mismatch("None", value)


def _encode_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return bytes(value)
    raise Mismatch("bytes", value)


def _encode_datetime(value: object) -> str:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise Mismatch("datetime", value)


def _encode_date(value: object) -> str:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    raise Mismatch("date", value)


_MICROSECOND = datetime.timedelta(microseconds=1)


def _encode_timedelta(value: object) -> int:
    if isinstance(value, datetime.timedelta):
        return value // _MICROSECOND
    raise Mismatch("timedelta", value)


def _decode_timedelta(stored: int) -> datetime.timedelta:
    return datetime.timedelta(microseconds=stored)


NONE = scalar("None", "ANY", "null", type(None), encode=_encode_none)
INT = scalar("int", "INTEGER", "int", int, encode=_encode_int)
STR = scalar("str", "TEXT", "str", str, encode=_encode_str)
FLOAT = scalar("float", "REAL", "float", float, encode=_encode_float)
BOOL = Codec(
    "bool",
    "INTEGER",
    "bool",
    (bool,),
    _encode_bool,
    None,
    lambda value: int(_encode_bool(value)),
    bool,
)
BYTES = Codec(
    "bytes",
    "BLOB",
    "str",
    (bytes,),
    lambda value: _encode_bytes(value).hex(),
    bytes.fromhex,
    _encode_bytes,
    None,
)

SCALARS: dict[object, Codec] = {
    None: NONE,
    type(None): NONE,
    int: INT,
    str: STR,
    float: FLOAT,
    bool: BOOL,
    bytes: BYTES,
    datetime.datetime: scalar(
        "datetime",
        "TEXT",
        "str",
        datetime.datetime,
        encode=_encode_datetime,
        decode=datetime.datetime.fromisoformat,
    ),
    datetime.date: scalar(
        "date",
        "TEXT",
        "str",
        datetime.date,
        encode=_encode_date,
        decode=datetime.date.fromisoformat,
    ),
    datetime.timedelta: scalar(
        "timedelta",
        "INTEGER",
        "int",
        datetime.timedelta,
        encode=_encode_timedelta,
        decode=_decode_timedelta,
    ),
}
