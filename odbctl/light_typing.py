"""The names of `typing` that quick commands need, without the import of `typing`.

That import takes a fifth of the time of `odbctl ps`, and each named tuple of `typing` costs
a fifth of a millisecond besides. Type checkers see the real names. At run time `NamedTuple`
makes the same classes without generating code, and the other names do nothing. Every module
that `ps` or `service status` loads uses this one, and imports under `TYPE_CHECKING` what only
annotations need; anything else imports `typing`.
"""

from __future__ import annotations

# As `collections.namedtuple` reads its fields; here without the other 1 ms of `collections`.
from _collections import (  # type: ignore[import-not-found] # pyright: ignore[reportMissingImports] - no stub
    _tuplegetter,  # pyright: ignore[reportUnknownVariableType] - the same
)

__all__ = [
    "TYPE_CHECKING",
    "Any",
    "NamedTuple",
    "Protocol",
    "cast",
    "dataclass_transform",
    "overload",
]

# A name that type checkers take for true.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Final, NamedTuple, Protocol, Self, cast, dataclass_transform, overload


# When a class has made so many tuples, the function that makes them is generated, as `typing`
# does at once: that takes as long as a hundred tuples, and halves what each of them takes.
MANY_TUPLES: Final = 50

_new_tuple: Callable[..., Any] = tuple.__new__  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - of any items


class _NamedTupleType(type):
    """Makes a tuple class of the annotations and defaults in a class body."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]
    ) -> _NamedTupleType:
        if not any(vars(base).get("_makes_named_tuples") for base in bases):
            return super().__new__(cls, name, bases, namespace)
        fields = tuple(namespace.get("__annotations__", ()))
        defaults = {field: namespace[field] for field in fields if field in namespace}
        if tuple(defaults) != fields[len(fields) - len(defaults) :]:
            raise TypeError(f"{name}: a field without a default follows one with a default")
        for number, field in enumerate(fields):
            namespace[field] = _tuplegetter(number, f"Alias for field number {number}")
        namespace |= {
            "__slots__": (),
            "__match_args__": fields,
            "_fields": fields,
            "_field_defaults": defaults,
            "_names": frozenset(fields),
        }
        return super().__new__(cls, name, bases, namespace)


class _NamedTuple(tuple[object, ...], metaclass=_NamedTupleType):
    """What the classes have in common: the methods of `collections.namedtuple`."""

    __slots__ = ()
    _makes_named_tuples = True
    _fields = tuple[str, ...]()
    _field_defaults = dict[str, object]()
    _names = frozenset[str]()

    _made = 0

    def __new__(cls, *values: object, **named: object) -> Self:
        cls._made += 1
        # Not over a function that a class defines itself.
        if cls._made >= MANY_TUPLES and cls.__new__ is _NamedTuple.__new__:
            type.__setattr__(cls, "__new__", cls._generated_new())
        if named or len(values) != len(cls._fields):
            values = cls._completed(values, named)
        return super().__new__(cls, values)

    @classmethod
    def _completed(cls, values: tuple[object, ...], named: dict[str, object]) -> tuple[object, ...]:
        """Return the values of all fields, in order.

        Raises:
            TypeError: A field is missing, unknown or given twice.
        """
        given, rest = cls._fields[: len(values)], cls._fields[len(values) :]
        names = named.keys()
        if len(values) > len(given) or not names <= cls._names or not names.isdisjoint(given):
            raise TypeError(f"{cls.__name__} takes {', '.join(cls._fields)}, each once")
        found = cls._field_defaults | named
        try:
            return (*values, *[found[field] for field in rest])
        except KeyError as error:
            raise TypeError(f"{cls.__name__}: {error} is missing") from None

    @classmethod
    def _generated_new(cls) -> Callable[..., Any]:
        """Generate what makes a tuple, as `collections.namedtuple` does."""
        names = "".join([f"{field}, " for field in cls._fields])
        code = f"lambda _cls, {names}: _new_tuple(_cls, ({names}))"
        new: Any = eval(code, {"_new_tuple": _new_tuple})  # noqa: S307 - names of fields
        new.__defaults__ = tuple(cls._field_defaults.values())
        made: Callable[..., Any] = new
        return made

    @classmethod
    def _make(cls, values: Iterable[object]) -> Self:
        return cls(*values)

    def _replace(self, **changed: object) -> Self:
        if not changed.keys() <= self._names:
            raise ValueError(f"{type(self).__name__} has only {', '.join(self._fields)}")
        get, pairs = changed.get, zip(self._fields, self, strict=True)
        return self._make([get(field, value) for field, value in pairs])

    def _asdict(self) -> dict[str, object]:
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self) -> str:
        shown = ", ".join(f"{field}={value!r}" for field, value in self._asdict().items())
        return f"{type(self).__name__}({shown})"

    def __getnewargs__(self) -> tuple[object, ...]:
        return tuple(self)


if not TYPE_CHECKING:
    NamedTuple = _NamedTuple
    Protocol = object  # a class that nobody asks whether another has its methods
    Any = object  # in the names of types: nothing looks at it

    def cast(_kind, value):
        """Return the value, as `typing.cast` does."""
        return value

    def overload(function):
        """Return the function: only type checkers read the signature."""
        return function

    def dataclass_transform(**_options):
        """Return a decorator that changes nothing: only type checkers read its options."""
        return lambda decorated: decorated
