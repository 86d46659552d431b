"""Field: one field of a stored class, the descriptor through which it is read and written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from odbctl.engine.odb.codec import Codec, Mismatch, Stored
from odbctl.engine.odb.current import current_view
from odbctl.engine.odb.hints import codec_of, split_marks
from odbctl.errors import StoreError

if TYPE_CHECKING:
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.objects import DbObject

MISSING: Final = object()
# Row = (oid, field, field, …): fields start behind the oid.
FIRST_POSITION: Final = 1


class Field:
    """One field of a class: the descriptor through which it is read and written."""

    __slots__ = (
        "bit",
        "codec",
        "decode",
        "default",
        "definition",
        "encode",
        "is_required",
        "log_name",
        "mark",
        "name",
        "position",
    )

    def __init__(self, definition: Definition, name: str, number: int) -> None:
        self.definition = definition
        self.name = name
        # How the change log calls it, the same in every release.
        self.log_name = name
        self.position = FIRST_POSITION + number
        self.bit = 1 << number
        self.is_required = True
        self.default: Stored = None

    def resolve(self, hint: object, default: object) -> None:
        """Find the codec of `hint` and encode the default."""
        plain, self.mark = split_marks(hint)
        try:
            self.codec: Codec = codec_of(plain)
        except TypeError as error:
            raise TypeError(f"{self}: {error}") from None
        self.encode: Callable[[Any], Stored] = self.codec.to_column
        self.decode: Callable[[Any], Any] | None = self.codec.from_column
        if default is not MISSING:
            self.is_required = False
            self.default = self.stored(default)

    def __str__(self) -> str:
        return f"{self.definition.name}.{self.name}"

    def stored(self, value: object) -> Stored:
        """Return `value` as it is stored.

        Raises:
            TypeError: It is of another type.
            ValueError: It is of that type but cannot be stored.
        """
        try:
            return self.encode(value)
        except Mismatch as mismatch:
            got = f"{type(value).__name__} {value!r:.200}"
            inner = "" if mismatch.value is value else _inner_text(mismatch)
            raise TypeError(f"{self} expects {self.codec.text}, got {got}{inner}") from None
        except (UnicodeEncodeError, ValueError) as error:
            raise ValueError(f"{self}: {error}") from None

    def loaded(self, stored: Stored) -> Any:
        """Return a stored value as Python sees it; a container is a fresh copy."""
        if stored is None or self.decode is None:
            return stored
        try:
            return self.decode(stored)
        except (KeyError, ValueError, TypeError) as error:
            raise StoreError(
                f"{self} holds {stored!r:.200}, which is no {self.codec.text}",
                hint="a newer release may have written it",
            ) from error

    def __get__(self, instance: DbObject | None, owner: type | None = None) -> Any:
        if instance is None:
            return self
        return current_view().read(self, instance.oid)

    def __set__(self, instance: DbObject, value: object) -> None:
        current_view().write(self, instance.oid, value)


def _inner_text(mismatch: Mismatch) -> str:
    value = mismatch.value
    return f" ({type(value).__name__} {value!r:.100} where {mismatch.expected} is expected)"
