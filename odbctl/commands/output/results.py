"""What a command returns: documents and how they are meant. `_render` prints them.

Plain tuples, because the quick commands cannot afford `dataclasses`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from odbctl.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from odbctl.errors import OdbctlError

Document = Mapping[str, object]


class Listing(NamedTuple):
    """Several documents of a kind; `empty` is said to people when there are none."""

    kind: str
    documents: Sequence[Document]
    empty: str = ""
    exit_code: int = 0
    # What was asked for and could not be read.
    failed: Sequence[OdbctlError] = ()


class Single(NamedTuple):
    """One document; `view` names how people see it."""

    document: Document
    view: str
    exit_code: int = 0


class Done(NamedTuple):
    """Something was changed, or already was so; `document` is how it is now."""

    action: str
    message: str
    document: Document
    notes: tuple[str, ...] = ()
    exit_code: int = 0


class Many(NamedTuple):
    """The same change of several things: those that were done, and those that failed, by name."""

    done: Sequence[Done]
    failed: Sequence[tuple[str, OdbctlError]]
    empty: str = ""


class Stream(NamedTuple):
    """Documents that come one by one; printed at once, as one line each.

    `empty` is said to people when there were none.
    """

    kind: str
    documents: Iterator[Document]
    empty: str = ""
    # Called after the last document.
    exit_code: Callable[[], int] = int


class Live(NamedTuple):
    """A listing that is shown again whenever it has changed."""

    listings: Iterator[Listing]


class Text(NamedTuple):
    """Text; with `document` also what JSON and YAML print instead."""

    text: str
    document: Document | Sequence[Document] | None = None


Result = Listing | Single | Done | Many | Stream | Live | Text


def as_document(value: object) -> Document:
    """Return a document that is inside another; an empty one when it is none."""
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType] - of JSON


def as_list(value: object) -> list[object]:
    """Return a list that is inside a document; an empty one when it is none."""
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType] - of JSON
