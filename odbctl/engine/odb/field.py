"""Field: one field of a stored class, the descriptor through which it is read and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from odbctl.engine.odb.codec import Codec, Mismatch, Stored
from odbctl.engine.odb.current import NOTHING, current, no_view, open_view
from odbctl.engine.odb.decoded import remembering
from odbctl.engine.odb.hints import FieldType, Mark, field_type, key_codec_of
from odbctl.errors import StoreError, UnreadableFieldError
from odbctl.light_typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Final

    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.objects import DbObject
    from odbctl.engine.odb.view import View

MISSING: Final = object()
# How a column of an earlier type is read, and what makes a value of now of it.
Conversion = tuple[Callable[[Any], Any] | None, Callable[[Any], object]]
DECODING_ERRORS: Final = (LookupError, ValueError, TypeError, ArithmeticError, AttributeError)
# Row = (oid, field, field, …): fields start behind the oid.
FIRST_POSITION: Final = 1


class Field(property):
    """One field of a class: the descriptor through which it is read and written.

    A property, because C calls its functions; they are closures, because
    there are millions of reads.
    """

    def __init__(self, definition: Definition, name: str, number: int) -> None:
        self.definition = definition
        self.name = name
        # How the change log calls its keys: by its oldest name, the same in every release.
        self.log_name = name
        # Every name that a release may know it by, in the change log; the oldest comes first.
        self.known_names: tuple[str, ...] = (name,)
        self.position = FIRST_POSITION + number
        self.bit = 1 << number
        self.is_required = True
        self.default: Stored = None
        # Makes the default of a new object; `default` is then what objects of before have.
        self.factory: Callable[[], object] | None = None
        self.renamed_from: tuple[str, ...] = ()
        # By earlier type in words: how its columns are read, and the author's function.
        self.conversions: dict[str, Conversion] = {}
        # What stands in the records and enums of these types.
        self.earlier_types: dict[str, Mapping[str, tuple[str, ...]]] = {}
        self.mark: Mark | None = None
        self.is_secret = False
        # Whether equal values are stored alike, because they are looked up.
        self.is_key = False
        self.hint: Any = None  # without marks
        self._key_codec: Codec | None = None
        self.codec: Codec
        self.encode: Callable[[Any], Stored]
        self.decode: Callable[[Any], Any] | None = None
        super().__init__(_getter(self), _setter(self))

    def resolve(self, found: FieldType, default: object, *, is_indexed: bool) -> None:
        """Take the type and encode the default.

        Args:
            found: What the hint says.
            default: A value, a `FieldSpec`, or MISSING.
            is_indexed: Whether it takes part in an index.
        """
        self.codec, self.mark, self.is_secret, self.hint = found
        if is_indexed and self.codec.has_equal_forms:
            self.is_key, self.codec = True, key_codec_of(self.hint)
        if self.codec.text in self.conversions:
            raise TypeError(
                f"{self}: converted_from has {self.codec.text}, which the field itself is called:"
                " nobody could tell converted values from others, so give the field a new name"
            )
        self.encode = self.codec.to_column
        decode = self.codec.from_column
        if decode is not None and self.codec.column == "TEXT" and not self.is_secret:
            decode = remembering(decode)
        self.decode = decode
        getter = _plain_getter(self) if decode is None else _decoding_getter(self, decode)
        super().__init__(getter, _setter(self))
        if (factory := self.factory) is not None:
            default = factory()
        if default is not MISSING:
            self.is_required = False
            self.default = self.stored(default)
            if isinstance(self.default, str) and "\0" in self.default:
                raise TypeError(f"{self}: a default cannot hold a NUL character")

    def specify(
        self,
        factory: Callable[[], object] | None,
        renamed_from: tuple[str, ...],
        converted_from: Mapping[Any, Callable[[Any], object]],
    ) -> None:
        """Take what the class body says of the field besides its type and default."""
        self.factory = factory
        self.renamed_from = renamed_from
        if renamed_from:
            self.log_name = renamed_from[-1]
            self.known_names = tuple(dict.fromkeys((*reversed(renamed_from), self.name)))
        for hint, function in converted_from.items():
            codec = field_type(hint).codec
            if codec.text in self.conversions:
                raise TypeError(f"{self}: two types of converted_from are called {codec.text}")
            self.conversions[codec.text] = codec.from_column, function
            self.earlier_types[codec.text] = codec.types

    def _unset(self) -> StoreError:
        return UnreadableFieldError(
            f"{self} is required, but this object was stored by a release without it",
            hint="give the field a default",
        )

    def __str__(self) -> str:
        return f"{self.definition.title}.{self.name}"

    def stored(self, value: object) -> Stored:
        """Return `value` as it is stored.

        Raises:
            TypeError: It is of another type.
            ValueError: It is of that type but cannot be stored.
        """
        try:
            return self.encode(value)
        except Mismatch as mismatch:
            if self.is_secret:
                got = f"a {type(value).__name__} that is not one"
                raise TypeError(f"{self} expects {self.codec.text}, got {got}") from None
            got = f"{type(value).__name__} {value!r:.200}"
            inner = _inner_text(mismatch) if mismatch.path else ""
            raise TypeError(f"{self} expects {self.codec.text}, got {got}{inner}") from None
        except (UnicodeEncodeError, ValueError) as error:
            raise ValueError(f"{self}: {error}") from None
        except RecursionError:
            raise ValueError(f"{self}: the value is nested too deeply") from None

    def takes_none(self) -> bool:
        """Tell whether None is a value of its type."""
        try:
            return self.encode(None) is None
        except (Mismatch, *DECODING_ERRORS):
            return False

    def as_key(self, stored: Stored) -> Stored:
        """Return a stored value as it would be stored if it were looked up."""
        if stored is None or stored is UNSET:
            return stored
        if (codec := self._key_codec) is None:
            codec = self._key_codec = key_codec_of(self.hint)
        try:
            return codec.to_column(stored if self.decode is None else self.decode(stored))
        except (Mismatch, *DECODING_ERRORS):
            return stored  # who reads it is told

    def loaded(self, stored: Stored) -> Any:
        """Return a stored value as Python sees it; a container is a fresh copy."""
        if stored is None or self.decode is None:
            if stored is UNSET:
                raise self._unset()
            return stored
        if stored is UNSET:
            raise self._unset()
        try:
            return self.decode(stored)
        except DECODING_ERRORS as error:
            raise self.unreadable(stored) from error

    def unreadable(self, stored: Stored) -> UnreadableFieldError:
        """Return the error of a stored value that cannot be decoded."""
        held = "a secret" if self.is_secret else f"{stored!r:.200}"
        return UnreadableFieldError(
            f"{self} holds {held}, which is not {self.codec.text}",
            hint="a newer release may have written it",
        )


class _Unset(str):
    """Stands in a row for a required field that the object was stored without."""

    __slots__ = ()


UNSET: Final = _Unset("unset")


def _getter(field: Field) -> Callable[[DbObject], Any]:
    """Make the getter of a field whose type is not known yet."""

    def get(handle: DbObject) -> Any:
        view = current.view
        if view is None:
            view = _open_view(field, "read")
        return view.read(field, handle._oid)  # pyright: ignore[reportPrivateUsage] - a call less

    return get


def _plain_getter(field: Field) -> Callable[[DbObject], Any]:
    """Make the getter of a field that is stored as Python sees it."""
    direct, position = field.definition.direct_reads, field.position
    get_tracked = _tracked_getter(field)

    # Short, with few variables: they are set up with each call.
    def get(handle: DbObject) -> Any:
        try:
            rows = direct.rows
            if rows is not None:
                return rows[handle._oid][position]  # pyright: ignore[reportPrivateUsage] - a call less
        except (KeyError, AttributeError):
            pass  # not in the cache; the first read in this thread
        return get_tracked(handle)

    return get


def _decoding_getter(field: Field, decode: Callable[[Any], object]) -> Callable[[DbObject], object]:
    """Make the getter of a field that is stored in another form."""
    direct, position = field.definition.direct_reads, field.position
    get_tracked = _tracked_getter(field)

    def get(handle: DbObject) -> object:
        try:
            rows = direct.rows
            row = None if rows is None else rows[handle._oid]  # pyright: ignore[reportPrivateUsage] - a call less
        except (KeyError, AttributeError):
            row = None
        if row is None:
            return get_tracked(handle)
        stored = row[position]
        if stored is None:
            return None
        try:
            return decode(stored)
        except DECODING_ERRORS as error:
            raise field.unreadable(stored) from error

    return get


def _tracked_getter(field: Field) -> Callable[[DbObject], Any]:
    """Make the getter for views in which it is noted what is read."""
    direct, position, bit = field.definition.direct_reads, field.position, field.bit
    decode = field.decode

    def get(handle: DbObject) -> Any:
        oid = handle._oid  # pyright: ignore[reportPrivateUsage] - a call less
        try:
            rows, masks, written = direct.tracked
        except AttributeError:
            direct.rows, direct.tracked = None, NOTHING
        else:
            if oid not in written:
                row = rows.get(oid)
                if row is not None:
                    masks[oid] = masks.get(oid, 0) | bit
                    stored = row[position]
                    if decode is None or stored is None:
                        return stored
                    try:
                        return decode(stored)
                    except DECODING_ERRORS as error:
                        raise field.unreadable(stored) from error
        view = current.view
        if view is None:
            view = _open_view(field, "read")
        return view.read(field, oid)

    return get


def _setter(field: Field) -> Callable[[DbObject, object], None]:
    def put(handle: DbObject, value: object) -> None:
        view = current.view
        if view is None:
            view = _open_view(field, "write")
        view.write(field, handle._oid, value)  # pyright: ignore[reportPrivateUsage] - a call less

    return put


def _open_view(field: Field, verb: str) -> View:
    view = open_view()
    if view is None:
        raise no_view(f"to {verb} {field} in")
    return view


def _inner_text(mismatch: Mismatch) -> str:
    value = mismatch.value
    at = f"at {mismatch.path}: " if mismatch.path else ""
    return f" ({at}{type(value).__name__} {value!r:.100} where {mismatch.expected} is expected)"
