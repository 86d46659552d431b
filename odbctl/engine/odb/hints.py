"""From a type hint to its codec.

Runs when a class is first used, not when it is defined, so that hints may
name classes that come later in the module. Pure.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable, Sequence
from types import GenericAlias, UnionType

from odbctl.engine.odb.codec import (
    LARGEST_INT,
    NONE,
    SCALARS,
    SMALLEST_INT,
    Codec,
    Mismatch,
    as_json_text,
    checked_text,
    scalar,
)
from odbctl.engine.odb.containers import (
    LITERAL,
    dict_codec,
    fixed_tuple_codec,
    list_codec,
    nullable,
    set_codec,
    tuple_codec,
    union_codec,
)
from odbctl.engine.odb.records import FindCodec, is_record, record_codec
from odbctl.light_typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from odbctl.engine.odb.objects import DbObject


class SecretMark(enum.Enum):
    """Marks a field whose values no printer and no message shows."""

    SECRET = "secret"


class Mark(enum.Enum):
    """What an annotated field is besides its type."""

    INDEXED = "indexed"  # can be looked up
    UNIQUE = "unique"  # can be looked up, and no two objects have the same value


def is_class_variable(hint: object) -> bool:
    """Tell whether a hint says ClassVar, so that it is no field."""
    if isinstance(hint, str):
        return hint.startswith(("ClassVar", "typing.ClassVar"))
    return _is_of_typing(hint, "ClassVar") or _is_of_typing(_origin(hint), "ClassVar")


def _is_of_typing(form: object, name: str) -> bool:
    """Tell whether a hint's form is that one of `typing`, which whoever uses it has imported."""
    typing = sys.modules.get("typing")
    return typing is not None and form is getattr(typing, name)


def _origin(hint: Any) -> Any:
    """Return what `typing.get_origin` does: of `list[int]` it is `list`, of a class it is None."""
    return UnionType if isinstance(hint, UnionType) else getattr(hint, "__origin__", None)


def _arguments(hint: Any) -> tuple[Any, ...]:
    """Return what `typing.get_args` does: of `dict[str, int]` they are `str` and `int`."""
    return getattr(hint, "__args__", ())


def _is_union(origin: object) -> bool:
    return origin is UnionType or _is_of_typing(origin, "Union")


class Marker:
    """What `Indexed` and the like are at run time: `Indexed[str]` keeps both as `list[str]` does.

    `typing.Annotated` would do, for the price of importing `typing`.
    """

    __slots__ = ()
    mark: Mark | SecretMark

    def __class_getitem__(cls, hint: object) -> GenericAlias:
        return GenericAlias(cls, hint)


class FieldType(NamedTuple):
    """What a hint says of a field."""

    codec: Codec
    mark: Mark | None
    is_secret: bool
    hint: Any  # without marks


def field_type(hint: Any) -> FieldType:
    """Read the hint of a field, with `Indexed`, `Unique` and `Secret`, also in `Unique[X] | None`.

    Raises:
        TypeError: Values of that type cannot be stored.
    """
    found: list[Mark | SecretMark] = []
    plain = _without_marks(hint, found)
    # The stronger one counts, whichever stands inside.
    mark = next((each for each in (Mark.UNIQUE, Mark.INDEXED) if each in found), None)
    return FieldType(codec_of(plain), mark, SecretMark.SECRET in found, plain)


def _without_marks(hint: Any, found: list[Mark | SecretMark]) -> Any:
    """Return a hint without the marks around all of it; they are added to `found`."""
    hint = _unwrapped(hint, found)
    if _is_union(_origin(hint)):
        members = [each for each in _arguments(hint) if each is not type(None)]
        if len(members) == 1:
            return _without_marks(members[0], found) | None
    return hint


def _is_marked(hint: Any) -> bool:
    origin = _origin(hint)
    return isinstance(origin, type) and issubclass(origin, Marker)


def codec_of(hint: Any) -> Codec:
    """Find the codec of a type hint.

    Raises:
        TypeError: Values of that type cannot be stored.
    """
    return _codec_of(hint, codec_of, is_key=False)


def key_codec_of(hint: Any) -> Codec:
    """Find the codec of a type hint that stores equal values alike, so that they can be looked up.

    Raises:
        TypeError: Values of that type cannot be stored.
    """
    return _codec_of(hint, key_codec_of, is_key=True)


def _codec_of(hint: Any, find: FindCodec, *, is_key: bool) -> Codec:
    hint = _unwrapped(hint)
    origin, arguments = _origin(hint), _arguments(hint)
    if origin is None and (codec := SCALARS.get(hint)):
        return codec
    if _is_union(origin):
        return _union(arguments, find)
    if _is_of_typing(origin, "Literal"):
        return _literal(arguments)
    if is_record(origin or hint):
        return record_codec(hint, find)
    if origin is not None:
        return _container(hint, origin, arguments, find, is_key=is_key)
    if isinstance(hint, type):
        return _class(hint, is_key=is_key)
    raise TypeError(f"fields cannot have the type {hint!r}")


def _unwrapped(hint: Any, found: list[Mark | SecretMark] | None = None) -> Any:
    """See through NewType, Annotated, marks and `type X = ...`.

    Args:
        hint: The hint.
        found: Takes the marks; without it none is allowed.

    Raises:
        TypeError: A mark stands where it is not allowed.
    """
    while True:
        if hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif hasattr(hint, "__metadata__"):
            hint = hint.__origin__
        elif _is_marked(hint):
            mark: Mark | SecretMark = hint.__origin__.mark
            if found is None:
                name = hint.__origin__.__name__
                raise TypeError(f"{name} marks a whole field: put {name}[…] around its whole type")
            found.append(mark)
            hint = hint.__args__[0]
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            return hint


def _union(arguments: Sequence[Any], find: FindCodec) -> Codec:
    hints = _flattened(arguments)
    codecs = [find(each) for each in hints]
    members = [each for each in codecs if each is not NONE]
    if len({each.kind for each in members}) < len(members):
        _check_names(hints, codecs)
    if not members:
        return NONE
    codec = members[0] if len(members) == 1 else union_codec(members)
    return codec if len(members) == len(codecs) else nullable(codec)


def _check_names(hints: Sequence[Any], codecs: Sequence[Codec]) -> None:
    """Check that the names which are stored with values of a union tell its types apart.

    Raises:
        TypeError: They do not.
    """
    by_name: dict[str, Any] = {}
    for hint, codec in zip(hints, codecs, strict=True):
        if by_name.setdefault(codec.text, hint) != hint:
            raise TypeError(f"two types of one union are called {codec.text}: rename one")


def _flattened(arguments: Sequence[Any]) -> list[Any]:
    """Open the unions that hide behind an alias inside a union."""
    flat: list[Any] = []
    for each in map(_unwrapped, arguments):
        is_union = _is_union(_origin(each))
        flat.extend(_flattened(_arguments(each)) if is_union else [each])
    return flat


def _container(
    hint: object, origin: object, arguments: Sequence[Any], find: FindCodec, *, is_key: bool
) -> Codec:
    if origin is list:
        return list_codec(find(arguments[0]))
    if origin is dict:
        return dict_codec(find(arguments[0]), find(arguments[1]), is_sorted=is_key)
    if origin is set or origin is frozenset:
        return set_codec(find(arguments[0]), set if origin is set else frozenset)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple_codec(find(arguments[0]))
        return fixed_tuple_codec([find(each) for each in arguments])
    raise TypeError(f"fields cannot have the type {hint!r}")


def _class(hint: type[Any], *, is_key: bool) -> Codec:
    if issubclass(hint, enum.Flag):
        return _flag(hint)
    if issubclass(hint, enum.Enum):
        return _enum(hint)
    if hasattr(hint, "__odb__"):
        return _reference(hint)
    # By name, so that nobody pays the import of a module that he does not use.
    if hint.__module__ == "datetime":
        from odbctl.engine.odb.time_codecs import TIME_KEYS, TIMES

        if codec := (TIME_KEYS if is_key else TIMES).get(hint):
            return codec
    name = f"{hint.__module__}.{hint.__name__}"
    if name == "uuid.UUID":
        codec = _by_text(hint, str)
        codec.is_ordered = True
        return codec
    if name == "decimal.Decimal":
        codec = _by_text(hint, _shortest if is_key else str)
        codec.has_equal_forms = True
        return codec
    raise TypeError(f"fields cannot have the type {hint!r}")


def _reference(target: type[DbObject]) -> Codec:
    definition = target.__odb__
    name = definition.name

    def encode(value: object) -> int:
        # A stored subclass has a table of its own, in which this oid would not be found again.
        if isinstance(value, target) and value.__odb__ is definition:
            return value.oid
        raise Mismatch(name, value)

    codec = scalar(name, "INTEGER", "int", (target,), encode=encode, decode=target.from_oid)
    codec.has_references = True
    return codec


# Beyond this many zeros at the end, a Decimal is written with an exponent.
_MOST_ZEROS = 30


def _shortest(value: Any) -> str:
    """Write equal Decimals alike: without the zeros at the end, and 0 without a sign."""
    if not value.is_finite():
        if value.is_nan():
            raise ValueError("NaN cannot be looked up")
        return str(value)
    sign, digits, exponent = value.as_tuple()
    while len(digits) > 1 and digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    if digits == (0,):
        return "0"
    if 0 < exponent <= _MOST_ZEROS:
        digits, exponent = digits + (0,) * exponent, 0  # 100, not 1E+2
    return str(type(value)((sign, digits, exponent)))


def _by_text(kind: type[Any], write: Callable[[Any], str]) -> Codec:
    def encode(value: object) -> str:
        if isinstance(value, kind):
            return write(value)
        raise Mismatch(kind.__name__, value)

    return scalar(kind.__name__, "TEXT", "str", (kind,), encode=encode, decode=kind)


def _flag(kind: type[enum.Flag]) -> Codec:
    for member in kind:
        if member.value > LARGEST_INT:
            raise TypeError(f"{kind.__name__}.{member.name} has more than 64 bits")

    def encode(value: object) -> object:
        if isinstance(value, kind):
            if SMALLEST_INT <= value.value <= LARGEST_INT:
                return value.value
            raise ValueError(f"{value!r} has more than 64 bits")
        raise Mismatch(kind.__name__, value)

    # Sets of members are values too, so they are not looked up among the members.
    codec = scalar(kind.__name__, "INTEGER", "int", (kind,), encode=encode, decode=kind)
    codec.types = {kind.__name__: ("enum", *[f"{each.name}={each.value}" for each in kind])}
    return codec


def _enum(kind: type[enum.Enum]) -> Codec:
    values = [member.value for member in kind]

    def encode(value: object) -> object:
        if isinstance(value, kind):
            return value.value if type(value.value) is int else checked_text(value.value)
        raise Mismatch(kind.__name__, value)

    if column := _column_of(values):
        members = {member.value: member for member in kind}
        json_kind = "str" if column == "TEXT" else "int"
        decode = members.__getitem__
        codec = scalar(kind.__name__, column, json_kind, (kind,), encode=encode, decode=decode)
        codec.is_ordered = issubclass(kind, (int, str))
        codec.types = {kind.__name__: ("enum", *[f"{each.name}={each.value!r}" for each in kind])}
        return codec

    def encode_name(value: object) -> str:
        if isinstance(value, kind):
            return value.name
        raise Mismatch(kind.__name__, value)

    # Values that SQLite cannot hold as they are: the member's name instead.
    by_name = kind.__members__.__getitem__
    codec = scalar(kind.__name__, "TEXT", "str", (kind,), encode=encode_name, decode=by_name)
    codec.types = {kind.__name__: ("enum", *[each.name for each in kind])}
    return codec


def _literal(options: Sequence[Any]) -> Codec:
    text = f"Literal[{', '.join(map(repr, options))}]"
    for option in options:
        if not isinstance(option, (str, int, type(None))):
            raise TypeError(
                f"fields cannot have the type {text}: {option!r} is no str, int or None"
            )

    def encode(value: object) -> object:
        for option in options:
            # True == 1, so the type counts.
            if type(value) is type(option) and value == option:
                return checked_text(value) if isinstance(value, str) else value
        raise Mismatch(text, value)

    def decode(value: object) -> object:
        return next((option for option in options if option == value), value)

    # No exact types: `Literal["a"] | str` must look at the value.
    if column := _column_of(options):
        json_kind = "str" if column == "TEXT" else "int"
        codec = scalar(text, column, json_kind, (), encode=encode)
        codec.is_ordered = True
        return codec
    has_enums = any(isinstance(option, enum.Enum) for option in options)
    decoder = decode if has_enums else None
    return as_json_text(text, LITERAL, (), encode=encode, decode=decoder)


def _column_of(values: Sequence[object]) -> str | None:
    """Give the column type that holds all values as they are, if one does."""
    if all(type(value) is str for value in values):
        return "TEXT"
    if all(type(value) is int and SMALLEST_INT <= value <= LARGEST_INT for value in values):
        return "INTEGER"
    return None
