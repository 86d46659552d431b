"""How one value is checked and stored: a `Codec` per type.

Every type has two stored forms: a JSON one, used inside containers, and a
column one, which is the same for scalars and JSON text for containers. Pure;
used by every process. The types that nest are in `containers.py`, and
`hints.py` finds the codec of a type hint.
"""

from __future__ import annotations

from _json import encode_basestring, make_encoder, make_scanner
from collections.abc import Callable, Iterable, Mapping

from odbctl.light_typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from typing import NoReturn

Stored = int | float | str | bytes | None
Row = tuple[Stored, ...]

SMALLEST_INT = -(2**63)
LARGEST_INT = 2**63 - 1


NO_TYPES: Mapping[str, tuple[str, ...]] = {}


class Mismatch(Exception):  # noqa: N818 - internal signal, turned into TypeError by the field
    """A value that is not of the expected type; the field says where."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(expected)
        self.expected = expected
        self.value = value
        # Where in the value it stands, e.g. "[3].name".
        self.path = ""

    def under(self, place: str) -> Mismatch:
        """Say in which place of a larger value it stands."""
        self.path = place + self.path
        return self


class Codec:
    """How values of one type are checked, written and read."""

    __slots__ = (
        "column",
        "from_column",
        "from_json",
        "has_equal_forms",
        "has_references",
        "is_ordered",
        "kind",
        "python_types",
        "text",
        "to_column",
        "to_json",
        "types",
    )

    def __init__(
        self,
        *,
        text: str,
        column: str,
        kind: str,
        python_types: tuple[type, ...],
        to_json: Callable[[Any], Any],
        from_json: Callable[[Any], Any] | None,
        to_column: Callable[[Any], Stored] | None = None,
        from_column: Callable[[Any], Any] | None = None,
    ) -> None:
        """Store what the functions below read.

        Args:
            text: As a person writes the type.
            column: SQLite's column type.
            kind: Which JSON value it becomes: null, bool, int, float, str, list or dict.
            python_types: Types whose values it takes as they are.
            to_json: Raises Mismatch.
            from_json: None where the value stays as it is.
            to_column: Raises Mismatch; None where a column holds what JSON does.
            from_column: None where the value stays as it is; never called with NULL.
        """
        self.text = text
        self.column = column
        self.kind = kind
        self.python_types = python_types
        # Whether a value may be or hold an object of the database.
        self.has_references = False
        # Whether equal values may be stored differently, unless the codec is made for keys.
        self.has_equal_forms = False
        # Whether values that are stored come in the order of the values.
        self.is_ordered = False
        # What stands in the records and enums of its text, by their names; see `type_contents`.
        self.types: Mapping[str, tuple[str, ...]] = NO_TYPES
        self.to_json = to_json
        self.from_json = from_json
        self.to_column: Callable[[Any], Stored] = to_column or to_json
        self.from_column = from_column if to_column else from_json


def _refuse(value: object) -> NoReturn:
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


class _JsonText:
    """The two directions of `json`, by the part of it that is written in C.

    Importing `json` compiles regular expressions, which takes 4 ms. That is much for a quick
    command, and a first commit would do it while it holds the commit lock.
    """

    strict = True
    object_hook = object_pairs_hook = array_hook = None  # the last one from Python 3.15 on
    parse_float, parse_int = float, int

    def __init__(self) -> None:
        self._scan: Callable[[str, int], tuple[Any, int]] = make_scanner(cast("Any", self))

    @staticmethod
    def parse_constant(name: str) -> float:
        """Return NaN or an infinity, by the name that JSON of Python has for it."""
        return float(name)

    def encode(self, value: object) -> str:
        """Write a value as JSON text without blanks."""
        if not value and isinstance(value, (dict, list)):
            return "{}" if isinstance(value, dict) else "[]"  # the default of most fields
        if isinstance(value, str):
            return encode_basestring(value)
        # As `json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))`: the containers that are
        # open, for its check of circles, and how to write what is no JSON, texts and separators.
        encode = make_encoder(
            {},
            _refuse,
            encode_basestring,
            None,
            ":",
            ",",
            False,
            False,
            True,
        )
        return "".join(encode(value, 0))

    def decode(self, text: str) -> Any:
        """Read JSON text.

        Raises:
            ValueError: The text is not JSON.
        """
        value, end = None, -1
        try:
            value, end = self._scan(text, 0)
        except StopIteration:
            pass  # `json` says what is wrong
        if end != len(text):
            import json

            return json.loads(text)  # blanks around it, or an error that says where
        return value


_json_text = _JsonText()
dumps = _json_text.encode
loads = _json_text.decode


def scalar(
    text: str,
    column: str,
    kind: str,
    python_types: tuple[type, ...],
    *,
    encode: Callable[[Any], Any],
    decode: Callable[[Any], Any] | None = None,
) -> Codec:
    """Make the codec of a type that is stored alike in JSON and in a column."""
    return Codec(
        text=text,
        column=column,
        kind=kind,
        python_types=python_types,
        to_json=encode,
        from_json=decode,
    )


def as_json_text(
    text: str,
    kind: str,
    python_types: tuple[type, ...],
    *,
    encode: Callable[[Any], Any],
    decode: Callable[[Any], Any] | None,
    parts: Iterable[Codec] = (),
) -> Codec:
    """Make the codec of a type whose column holds JSON text; `parts` are those of its items."""

    def to_column(value: object) -> str:
        return checked_text(dumps(encode(value)))

    def from_column(stored: str) -> object:
        value = loads(stored)
        return value if decode is None else decode(value)

    codec = Codec(
        text=text,
        column="TEXT",
        kind=kind,
        python_types=python_types,
        to_json=encode,
        from_json=decode,
        to_column=to_column,
        from_column=from_column,
    )
    parts = tuple(parts)
    codec.has_references = any(part.has_references for part in parts)
    codec.has_equal_forms = any(part.has_equal_forms for part in parts)
    codec.types = joined_types(parts)
    return codec


def joined_types(parts: Iterable[Codec]) -> Mapping[str, tuple[str, ...]]:
    """Join the records and enums of parts; what two of one name have is not known."""
    types: dict[str, tuple[str, ...]] = {}
    for part in parts:
        for name, contents in part.types.items():
            types[name] = contents if types.get(name, contents) == contents else ()
    return types


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
        return value if value.isascii() else checked_text(value)
    if isinstance(value, str):
        return checked_text(str.__str__(value))
    raise Mismatch("str", value)


def _encode_int(value: object) -> int:
    if type(value) is int and SMALLEST_INT <= value <= LARGEST_INT:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        if SMALLEST_INT <= value <= LARGEST_INT:
            return int(value)
        raise ValueError(f"{value} has more than 64 bits")
    raise Mismatch("int", value)


def _encode_float(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # SQLite turns NaN into NULL, which would come back as None.
        if value != value:  # noqa: PLR0124 - only NaN differs from itself
            raise ValueError("NaN cannot be stored")
        return float(value)
    raise Mismatch("float", value)


def _encode_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Mismatch("bool", value)


def _encode_bool_column(value: object) -> int:
    return int(_encode_bool(value))


def _encode_none(value: object) -> None:
    if value is not None:
        raise Mismatch("None", value)


def _encode_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return bytes(value)
    raise Mismatch("bytes", value)


def _encode_bytes_as_hex(value: object) -> str:
    return _encode_bytes(value).hex()


NONE = scalar("None", "ANY", "null", (type(None),), encode=_encode_none)
INT = scalar("int", "INTEGER", "int", (int,), encode=_encode_int)
STR = scalar("str", "TEXT", "str", (str,), encode=_encode_str)
FLOAT = scalar("float", "REAL", "float", (float,), encode=_encode_float)
BOOL = Codec(
    text="bool",
    column="INTEGER",
    kind="bool",
    python_types=(bool,),
    to_json=_encode_bool,
    from_json=None,
    to_column=_encode_bool_column,
    from_column=bool,
)
BYTES = Codec(
    text="bytes",
    column="BLOB",
    kind="str",
    python_types=(bytes,),
    to_json=_encode_bytes_as_hex,
    from_json=bytes.fromhex,
    to_column=_encode_bytes,
)

for _codec in (INT, STR, FLOAT, BOOL, BYTES):
    _codec.is_ordered = True

SCALARS: dict[object, Codec] = {
    None: NONE,
    type(None): NONE,
    int: INT,
    str: STR,
    float: FLOAT,
    bool: BOOL,
    bytes: BYTES,
}
