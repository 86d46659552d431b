"""How the dashboard was left: screen, order, filter, wide columns. Kept per home, as JSON.

It is a convenience: a file that cannot be read is left out and replaced, one that
cannot be written is not missed.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from odbctl.paths import Home
from odbctl.tui.arrange import Arrangement

FILE_NAME = "dashboard.json"
VERSION = 1
LONGEST_TEXT = 200
MOST_SCREENS = 50


class ViewStore:
    """The views of all screens of a home. Used by the dashboard's event loop only."""

    def __init__(self, path: Path | None = None) -> None:
        """Store where it is kept; None keeps nothing."""
        self._path = path
        self._views: dict[str, Arrangement] = {}
        self._saved: str | None = None
        self.screen = ""

    @classmethod
    def of(cls, home: Home) -> ViewStore:
        """Return the store of a home, with what is kept there."""
        store = cls(home.state / FILE_NAME)
        store.load()
        return store

    def view(self, screen: str) -> Arrangement:
        """Return how a screen was left."""
        return self._views.get(screen, Arrangement())

    def keep(self, screen: str, view: Arrangement) -> None:
        """Remember how a screen is."""
        self._views[screen] = replace(
            view,
            sort_column=view.sort_column[:LONGEST_TEXT],
            filter_text=view.filter_text[:LONGEST_TEXT],
            is_frozen=False,  # the rows it was about are gone
        )

    def load(self) -> None:
        """Read what is kept; what cannot be read is as if nothing were."""
        if self._path is None:
            return
        with contextlib.suppress(OSError, ValueError):
            found: object = json.loads(self._path.read_bytes())
            self._take(found)

    def save(self) -> None:
        """Keep it, whole or not at all; unchanged it is not written."""
        text = self._text()
        if self._path is None or text == self._saved:
            return
        with contextlib.suppress(OSError):
            _write_whole(self._path, text)
            self._saved = text

    def _text(self) -> str:
        views = {name: asdict(view) for name, view in self._views.items()}
        return json.dumps({"version": VERSION, "screen": self.screen, "views": views}, indent=1)

    def _take(self, found: object) -> None:
        if not isinstance(found, dict):
            return
        document = cast("dict[str, Any]", found)
        if document.get("version") != VERSION:
            return
        screen, views = document.get("screen"), document.get("views")
        if isinstance(screen, str):
            self.screen = screen[:LONGEST_TEXT]
        if isinstance(views, dict):
            for name, fields in list(cast("dict[str, object]", views).items())[:MOST_SCREENS]:
                self.keep(name, _arrangement(fields))
        self._saved = self._text()


def _arrangement(fields: object) -> Arrangement:
    """Return a view of the fields that are as they have to be."""
    view = Arrangement()
    if not isinstance(fields, Mapping):
        return view
    known = cast("Mapping[str, object]", fields)
    good = {
        name: known[name]
        for name, default in asdict(view).items()
        if name in known and type(known[name]) is type(default)
    }
    return replace(view, **cast("dict[str, Any]", good))


def _write_whole(path: Path, text: str) -> None:
    descriptor, aside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise
