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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from odbctl.paths import Home

FILE_NAME = "dashboard.json"
VERSION = 1
LONGEST_TEXT = 200
MOST_SCREENS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenView:
    """How one screen was left. `sort` names a column, "" is the screen's own order."""

    sort: str = ""
    is_descending: bool = False
    filter: str = ""
    is_wide: bool = False
    faults_only: bool = False


class ViewStore:
    """The views of all screens of a home. Used by the dashboard's event loop only."""

    def __init__(self, path: Path | None = None) -> None:
        """Store where it is kept; None keeps nothing."""
        self._path = path
        self._views: dict[str, ScreenView] = {}
        self._saved: str | None = None
        self.screen = ""

    @classmethod
    def of(cls, home: Home) -> ViewStore:
        """Return the store of a home, with what is kept there."""
        store = cls(home.state / FILE_NAME)
        store.load()
        return store

    def view(self, screen: str) -> ScreenView:
        """Return how a screen was left."""
        return self._views.get(screen, ScreenView())

    def keep(self, screen: str, view: ScreenView) -> None:
        """Remember how a screen is."""
        self._views[screen] = replace(
            view, sort=view.sort[:LONGEST_TEXT], filter=view.filter[:LONGEST_TEXT]
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
                self.keep(name, _screen_view(fields))
        self._saved = self._text()


def _screen_view(fields: object) -> ScreenView:
    """Return a view of the fields that are as they have to be."""
    view = ScreenView()
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
