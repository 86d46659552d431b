"""Sorting and filtering lists, by the columns of the table or the fields of the JSON. Pure."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from odbctl.commands.output.results import Document, Listing
from odbctl.commands.output.table import Column, cell, field_of
from odbctl.commands.output.views import COLUMNS
from odbctl.commands.session import Arrangement
from odbctl.errors import UsageError, shown


def arranged(listing: Listing, how: Arrangement) -> Listing:
    """Return a listing with the documents that `how` asks for, in its order.

    Raises:
        UsageError: There is no such column or field.
    """
    documents = list(listing.documents)
    empty = listing.empty
    for text in how.filters:
        documents = [d for d in documents if _fits(d, listing, text)]
        empty = f"nothing matches {' '.join(how.filters)}" if listing.documents else empty
    if how.sort:
        name = how.sort.removeprefix("-")
        column = _column(listing, name)
        documents.sort(key=lambda d: _order(d, column), reverse=how.sort.startswith("-"))
        # Rows without a value are last in both directions.
        documents.sort(key=lambda d: cell(d, column) == "-")
    return listing._replace(documents=documents, empty=empty)


def _column(listing: Listing, name: str) -> Column:
    """Return the column of a head, or one for a field of the documents."""
    columns = COLUMNS[listing.kind]
    for column in columns:
        if column.head.lower() == name.lower():
            return column
    if any(field_of(d, name) is not None for d in listing.documents):
        return Column(name, name)
    if not listing.documents or any(name in d for d in listing.documents):
        return Column(name, name)
    heads = ", ".join(column.head.lower() for column in columns)
    raise UsageError(f"no column {shown(name)}", hint=f"one of {heads}, or a field of -o json")


def _order(document: Document, column: Column) -> tuple[float, list[tuple[int, float, str]]]:
    """Return the sort key of a document: by number where the value is one, else naturally."""
    if column.order is not None:
        return column.order(document), []
    value = field_of(document, column.field) if column.field else None
    if isinstance(value, int | float):
        return float(value), []
    text = cell(document, column).lower()
    parts = re.split(r"(\d+)", text)
    return 0.0, [(0, float(p), "") if p.isdigit() else (1, 0.0, p) for p in parts if p]


def _fits(document: Document, listing: Listing, text: str) -> bool:
    name, sign, value = text.partition("=")
    is_wanted = not name.endswith("!")
    name = name.removesuffix("!")
    if not sign or not name:
        raise UsageError(f"{shown(text)} is not KEY=VALUE", hint="--filter state=running")
    column = _column(listing, name)
    field = field_of(document, name)
    raw = field if field is not None else field_of(document, column.field)
    texts = {cell(document, column).lower(), _plain(raw)}
    return any(fnmatchcase(t, value.lower()) for t in texts) is is_wanted


def _plain(value: object) -> str:
    """Return a value as it is typed: true and false as in JSON, nothing as empty."""
    return "" if value is None else str(value).lower()
