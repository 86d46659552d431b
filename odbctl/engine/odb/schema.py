"""Schema: a named set of stored classes.

Run at import by whoever defines classes; touches no file. `define` makes a
new class with a `Field` in place of each annotation.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator, Mapping

from odbctl.engine.odb.definition import ClassNames, Definition
from odbctl.engine.odb.field import MISSING, Field
from odbctl.engine.odb.hints import Mark, Marker, SecretMark, is_class_variable
from odbctl.engine.odb.objects import DbObject
from odbctl.engine.odb.specifiers import Index, field
from odbctl.light_typing import TYPE_CHECKING, Any, dataclass_transform, overload

if TYPE_CHECKING:
    from typing import Annotated, TypeVar

    T = TypeVar("T")

    Indexed = Annotated[T, Mark.INDEXED]
    Unique = Annotated[T, Mark.UNIQUE]
    Secret = Annotated[T, SecretMark.SECRET]

else:

    class Indexed(Marker):
        """In an annotation: the field can be looked up."""

        mark = Mark.INDEXED

    class Unique(Marker):
        """In an annotation: the field can be looked up, and no two objects have the same value."""

        mark = Mark.UNIQUE

    class Secret(Marker):
        """In an annotation: neither `db show` nor an error shows its values."""

        mark = SecretMark.SECRET


RESERVED = frozenset({"rev", *(name for name in dir(DbObject) if not name.startswith("_"))})
_NOT_COPIED = frozenset({"__dict__", "__weakref__", "__slots__"})


class Schema:
    """Stored classes that belong together; their tables are called `schema.Class`."""

    def __init__(self, name: str) -> None:
        if not name.isidentifier():
            raise TypeError(f"a schema cannot be called {name!r}")
        self.name = name
        self.classes: dict[str, type[DbObject]] = {}

    @overload
    def define(self, cls: type[T]) -> type[T]: ...

    @overload
    def define(self, *, renamed_from: str | tuple[str, ...]) -> Callable[[type[T]], type[T]]: ...

    @dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(field,))
    def define(
        self, cls: type[T] | None = None, *, renamed_from: str | tuple[str, ...] = ()
    ) -> type[T] | Callable[[type[T]], type[T]]:
        """Make a stored class of an annotated one.

            @library.define
            class Book(DbObject): ...

            @library.define(renamed_from="Reader")
            class Member(DbObject): ...

        Args:
            cls: The class.
            renamed_from: Its former names, the latest first, with their schema if that was
                another: "archive.Reader". Its objects stay under the oldest.

        Returns:
            A new class, derived from DbObject, to be used in place of `cls`.

        Raises:
            TypeError: A field has a name that is taken, the class exists, or has `__del__`.
        """
        former = (renamed_from,) if isinstance(renamed_from, str) else renamed_from
        former = tuple([each if "." in each else f"{self.name}.{each}" for each in former])
        local = _callers_names()
        if cls is not None:
            return self._define(cls, former, local)
        # Called with arguments: it returns the decorator.
        return lambda cls: self._define(cls, former, local)

    def _define(
        self, cls: type[T], former: tuple[str, ...], local: Mapping[str, object]
    ) -> type[T]:
        title = f"{self.name}.{cls.__name__}"
        if cls.__name__ in self.classes:
            raise TypeError(f"{title} is defined twice")
        if hasattr(cls, "__del__"):
            raise TypeError(
                f"{title}.__del__ would run whenever a handle goes, not when"
                " the object is deleted: give the class a method that deletes, and call it"
            )
        for other in self.classes.values():
            theirs = other.__odb__
            if theirs.title.lower() == title.lower():
                raise TypeError(f"{title} differs from {theirs.title} in case only")
            if not {title, *former}.isdisjoint({theirs.title, *theirs.renamed_from}):
                raise TypeError(
                    f"{title}: {theirs.title} has the same name or former name;"
                    " an older release would mix them up, so one of them needs another name"
                )
        definition = Definition(
            ClassNames(title, former),
            cls.__module__,
            _hints_of(cls),
            _defaults_of(cls),
            _Names(self, local),
            _indexes_of(cls),
        )
        stored = _rebuilt(cls, definition)
        definition.cls = stored
        self.classes[cls.__name__] = stored
        return stored  # type: ignore[return-value] # pyright: ignore[reportReturnType] - the rebuilt cls

    def read_deleted(self, cls: type[DbObject], **values: object) -> None:
        """Let the fields of deleted objects of a class be read, instead of raising an error.

        They have these values, or else their defaults. For classes whose objects other objects
        refer to, and outlive; writing to a deleted object stays an error.
        """
        cls.__odb__.values_when_deleted = values

    def resolve(self) -> None:
        """Resolve every class now, as a process does before it forks."""
        for cls in self.classes.values():
            cls.__odb__.resolve()


class _Names(Mapping[str, object]):
    """The names that hints may use besides their module's: local ones, and the schema's."""

    def __init__(self, schema: Schema, local: Mapping[str, object]) -> None:
        self._schema = schema
        self._local = local

    def _merged(self) -> dict[str, object]:
        return {**self._local, **self._schema.classes}

    def __getitem__(self, name: str) -> object:
        return self._merged()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._merged())

    def __len__(self) -> int:
        return len(self._merged())


def _callers_names() -> Mapping[str, object]:
    """Keep the local names of the function that calls `define`, if one does."""
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage] - as collections does
    return {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)


def _annotated_bases(cls: type) -> list[type]:
    return [each for each in reversed(cls.__mro__) if each not in (object, DbObject)]


def _hints_of(cls: type) -> dict[str, object]:
    hints: dict[str, object] = {}
    for base in _annotated_bases(cls):
        own: dict[str, object] = base.__annotations__
        hints.update({name: hint for name, hint in own.items() if not is_class_variable(hint)})
    for name in hints:
        if name in RESERVED or name.startswith("_") or name.lower() in ("oid", "rev"):
            raise TypeError(f"{cls.__name__}.{name}: a field cannot have this name")
    by_letters: dict[str, str] = {}
    for name in hints:
        if (other := by_letters.setdefault(name.lower(), name)) != name:
            raise TypeError(f"{cls.__name__}.{name} differs from {other} in case only")
    return hints


def _defaults_of(cls: type) -> dict[str, object]:
    defaults: dict[str, object] = {}
    for base in _annotated_bases(cls):
        if (stored := base.__dict__.get("__odb__")) is not None:
            defaults.update(stored.defaults)
            continue
        for name in base.__annotations__:
            value = base.__dict__.get(name, MISSING)
            if value is not MISSING:
                defaults[name] = value
    return defaults


def _indexes_of(cls: type) -> dict[str, Index]:
    indexes: dict[str, Index] = {}
    for base in _annotated_bases(cls):
        indexes.update({n: each for n, each in vars(base).items() if isinstance(each, Index)})
    return indexes


def _rebuilt(cls: type[Any], definition: Definition) -> type[DbObject]:
    """Build the class again, with fields as descriptors and without a `__dict__`.

    Without one, a misspelt attribute is an error where it is assigned.
    """
    namespace = {key: value for key, value in vars(cls).items() if key not in _NOT_COPIED}
    namespace |= definition.fields
    namespace |= {"__slots__": (), "__odb__": definition}
    bases = tuple(each for each in cls.__bases__ if each is not object)
    if not issubclass(cls, DbObject):
        bases = (*bases, DbObject)
    stored: type[DbObject] = types.new_class(
        cls.__name__, bases, {"metaclass": type(cls)}, lambda body: body.update(namespace)
    )
    _point_super_at(stored, cls)
    return stored


def _contents(cell: types.CellType) -> object:
    """Return what a function closed over; None where a local class is yet to be assigned."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _point_super_at(stored: type, original: object) -> None:
    """Let `super()` in the methods mean the rebuilt class: they closed over the first."""
    for value in vars(stored).values():
        if isinstance(value, Field):
            continue
        for function in (value, getattr(value, "__func__", None), getattr(value, "fget", None)):
            for cell in getattr(function, "__closure__", None) or ():
                if _contents(cell) is original:
                    cell.cell_contents = stored
