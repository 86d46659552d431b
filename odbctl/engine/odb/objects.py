"""DbObject: what every stored class inherits.

An object in Python is a handle, nothing but an oid: its fields live in the
database and are read through the view or transaction of the running thread.
Handles are equal when they name the same object; they outlive it.
"""

from __future__ import annotations

from collections.abc import Iterator

from odbctl.engine.odb.current import current, current_view
from odbctl.engine.odb.definition import RangeAskedError
from odbctl.engine.odb.specifiers import field
from odbctl.errors import NotFoundError
from odbctl.light_typing import TYPE_CHECKING, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import ClassVar, Final, Self

    from odbctl.engine.odb.definition import Definition


NO_DEFAULTS: Final[Mapping[str, object]] = {}


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(field,))
class DbObject:
    """An object in the object database; creating one needs a transaction."""

    __slots__ = ("_oid",)
    __odb__: ClassVar[Definition]

    def __init__(self, /, **values: object) -> None:
        view = current.view or current_view()
        self._oid = view.create(type(self).__odb__, values)

    @classmethod
    def from_oid(cls, oid: int) -> Self:
        """Return the handle of an oid, whether or not the object exists."""
        handle = object.__new__(cls)
        handle._oid = oid
        return handle

    @property
    def oid(self) -> int:
        """The number of the object: never used again, later objects have larger ones."""
        return self._oid

    def exists(self) -> bool:
        """Tell whether the object exists in this view or transaction."""
        return current_view().exists(type(self).__odb__, self._oid)

    def delete(self) -> None:
        """Delete the object. References to it stay, and no longer exist.

        Raises:
            ObjectGoneError: It does not exist.
        """
        current_view().delete(type(self).__odb__, self._oid)

    @classmethod
    def lookup_all(cls, /, **asked: object) -> tuple[Self, ...]:
        """Return the objects whose indexed fields have these values, oldest first.

            Loan.lookup_all(reader="bob", day__gte=5, order_by="-day", limit=50, after=last)

        A range (`__gt`, `__gte`, `__lt`, `__lte`) is of one field, and comes in its order.

        Args:
            asked: Values by field; bounds of one field; `order_by` a field, or "-field" for the
                largest first; `limit`; `after`, the last object of the page before, or a value.

        Raises:
            TypeError: A field is not indexed, or a value has another type than its field.
        """
        view, definition = current_view(), cls.__odb__
        ranges = definition.range_lookups
        if not (ranges and tuple(asked) in ranges):
            try:
                return view.lookup(definition, asked)  # type: ignore[return-value] # pyright: ignore[reportReturnType] - the definition of cls makes handles of cls
            except RangeAskedError:
                pass
        return view.lookup_range(definition, asked)  # type: ignore[return-value] # pyright: ignore[reportReturnType] - the definition of cls makes handles of cls

    @classmethod
    def lookup_each(cls, /, **asked: object) -> Iterator[Self]:
        """Iterate over what `lookup_all` would return, in bounded memory.

        The view must stay open. What the transaction creates on the way does not come; an
        object that it moves ahead in the order comes again.
        """
        return current_view().lookup_each(cls.__odb__, asked)  # type: ignore[return-value] # pyright: ignore[reportReturnType] - the definition of cls makes handles of cls

    @classmethod
    def lookup_newest(cls, count: int, /, **equal: object) -> tuple[Self, ...]:
        """Return the newest objects of a lookup, oldest first, without reading the others."""
        return current_view().lookup_end(cls.__odb__, equal, count, newest=True)  # type: ignore[return-value] # pyright: ignore[reportReturnType] - the definition of cls makes handles of cls

    @classmethod
    def lookup_oldest(cls, count: int, /, **equal: object) -> tuple[Self, ...]:
        """Return the oldest objects of a lookup, oldest first, without reading the others."""
        return current_view().lookup_end(cls.__odb__, equal, count, newest=False)  # type: ignore[return-value] # pyright: ignore[reportReturnType] - the definition of cls makes handles of cls

    @classmethod
    def lookup_count(cls, /, **asked: object) -> int:
        """Count the objects of a lookup, without reading them."""
        view, definition = current_view(), cls.__odb__
        ranges = definition.range_lookups
        if not (ranges and tuple(asked) in ranges):
            try:
                return view.count(definition, asked)
            except RangeAskedError:
                pass
        return view.count_range(definition, asked)

    @classmethod
    def lookup_any(cls, /, **asked: object) -> Self | None:
        """Return the oldest object whose indexed fields have these values, or None.

        Of a range, or with `order_by`, it is the first one.
        """
        view, definition = current_view(), cls.__odb__
        ranges = definition.range_lookups
        found: tuple[DbObject, ...] | None = None
        if not (ranges and tuple(asked) in ranges):
            try:
                found = view.lookup_end(definition, asked, 1, newest=False)
            except RangeAskedError:
                pass
        if found is None:
            found = view.lookup_range(definition, asked, 1)
        return found[0] if found else None  # type: ignore[return-value] # pyright: ignore[reportReturnType] - the definition of cls makes handles of cls

    @classmethod
    def lookup_one(cls, /, **equal: object) -> Self:
        """Return the only object whose indexed fields have these values.

        Raises:
            NotFoundError: There is none.
            LookupError: There are several.
        """
        found = cls.lookup_one_or_none(**equal)
        if found is None:
            raise NotFoundError(cls.__odb__.title, _text_of(equal))
        return found

    @classmethod
    def lookup_one_or_none(cls, /, **equal: object) -> Self | None:
        """Return the only object whose indexed fields have these values; None if there is none.

        Raises:
            LookupError: There are several.
        """
        found = current_view().lookup(cls.__odb__, equal)
        if len(found) > 1:
            raise LookupError(f"{len(found)} objects of {cls.__odb__.title} have {_text_of(equal)}")
        return found[0] if found else None  # type: ignore[return-value] # pyright: ignore[reportReturnType] - the definition of cls makes handles of cls

    @classmethod
    def get_or_create(
        cls, defaults: Mapping[str, object] = NO_DEFAULTS, /, **equal: object
    ) -> tuple[Self, bool]:
        """Return the only object whose indexed fields have these values, or create it.

        Needs a transaction. Of two that create the same object one conflicts, and finds it when
        it runs again.

        Args:
            defaults: Further fields, if it is created.
            **equal: What to look up, and the fields of the new object.

        Returns:
            The object, and whether it was created.

        Raises:
            LookupError: There are several.
            TypeError: A field is unknown, missing, not indexed or of another type.
        """
        if (found := cls.lookup_one_or_none(**equal)) is not None:
            return found, False
        return cls(**{**defaults, **equal}), True

    @classmethod
    def lookup_unique(cls, /, **equal: object) -> Self | None:
        """Return the object that has this value in a Unique field, or None.

        Raises:
            TypeError: It is not exactly one Unique field.
        """
        cls.__odb__.require_unique(tuple(equal))
        found = current_view().lookup(cls.__odb__, equal)
        return found[0] if found else None  # type: ignore[return-value] # pyright: ignore[reportReturnType] - the definition of cls makes handles of cls

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DbObject) and type(other) is type(self) and other._oid == self._oid

    def __hash__(self) -> int:
        return hash(self._oid)

    def __repr__(self) -> str:
        return f"<{type(self).__odb__.title} {self._oid}>"


def _text_of(equal: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in equal.items())
