"""What a class body says of its fields besides their types: `field(…)` and `Index(…)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from odbctl.engine.odb.field import MISSING
from odbctl.light_typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")


class FieldSpec:
    """What `field` was told."""

    __slots__ = ("converted_from", "default", "default_factory", "renamed_from")

    def __init__(
        self,
        default: object,
        default_factory: Callable[[], object] | None,
        renamed_from: str | tuple[str, ...],
        converted_from: Mapping[Any, Callable[[Any], object]],
    ) -> None:
        if default is not MISSING and default_factory is not None:
            raise TypeError("a field has a default or a default_factory, not both")
        self.default = default
        self.default_factory = default_factory
        self.renamed_from = (renamed_from,) if isinstance(renamed_from, str) else renamed_from
        self.converted_from = converted_from


@overload
def field(
    *,
    default: T,
    renamed_from: str | tuple[str, ...] = (),
    converted_from: Mapping[Any, Callable[[Any], T]] = ...,
) -> T: ...


@overload
def field(
    *,
    default_factory: Callable[[], T],
    renamed_from: str | tuple[str, ...] = (),
    converted_from: Mapping[Any, Callable[[Any], T]] = ...,
) -> T: ...


@overload
def field(
    *,
    renamed_from: str | tuple[str, ...] = (),
    converted_from: Mapping[Any, Callable[[Any], Any]] = ...,
) -> Any: ...


def field(
    *,
    default: object = MISSING,
    default_factory: Callable[[], object] | None = None,
    renamed_from: str | tuple[str, ...] = (),
    converted_from: Mapping[Any, Callable[[Any], object]] | None = None,
) -> Any:
    """Say more of a field than its type.

        lifetime_seconds: float = field(default=20.0, renamed_from="lifetime")

    Args:
        default: What a new object has if nothing is given.
        default_factory: Makes that anew for each object.
        renamed_from: Earlier names, the latest first; an older release goes on with its own.
        converted_from: By earlier type, the function that turns its values into those of now.

    Raises:
        TypeError: Both a default and a factory are given.
    """
    return FieldSpec(default, default_factory, renamed_from, converted_from or {})


class Index:
    """Several fields that are looked up together; assigned in the class body.

    by_owner_and_state = Index("owner", "state")
    """

    __slots__ = ("fields", "is_unique")

    def __init__(self, *fields: str, unique: bool = False) -> None:
        """Name the fields.

        Args:
            fields: At least one; none twice.
            unique: Whether no two objects may have the same values in all of them.

        Raises:
            TypeError: No field is given, or one twice.
        """
        if not fields or len(set(fields)) < len(fields):
            raise TypeError("an Index takes one or more fields, each once")
        self.fields = fields
        self.is_unique = unique
