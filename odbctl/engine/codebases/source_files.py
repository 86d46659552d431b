"""The Python files of a codebase, with the names that their modules have."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from odbctl.errors import CodebaseError

_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages"})
# Longer files are data in disguise.
_LONGEST_BYTES = 4 * 2**20
# All of them are held in memory.
MOST_SOURCE_BYTES = 512 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file, and the module that it is when imported."""

    module: str
    path: str
    is_package: bool
    text: bytes


def read_sources(roots: Sequence[Path]) -> tuple[SourceFile, ...]:
    """Return the modules that can be imported from these folders; the first of a name wins.

    Raises:
        CodebaseError: There is more code than is searched.
    """
    found: dict[str, SourceFile] = {}
    total = 0
    others = {str(root) for root in roots}
    for root in roots:
        for path in _python_files(str(root), others - {str(root)}):
            source = _read(path, str(root))
            total += len(source.text)
            if total > MOST_SOURCE_BYTES:
                raise CodebaseError(
                    f"the codebase has more than {MOST_SOURCE_BYTES >> 20} MB of Python files",
                    hint="odbctl codebase add REF --source-root FOLDER    (searches only there)",
                )
            found.setdefault(source.module, source)
    return tuple(found.values())


def _python_files(root: str, others: set[str]) -> Iterator[str]:
    for folder, names, files in os.walk(root):
        names[:] = sorted(n for n in names if _is_searched(folder, n, others))
        for name in sorted(files):
            path = os.path.join(folder, name)
            if name.endswith(".py") and name[:-3].isidentifier() and _is_readable(path):
                yield path


def _is_searched(folder: str, name: str, others: set[str]) -> bool:
    # A folder that is no identifier, hidden ones among them, is no package.
    path = os.path.join(folder, name)
    if name in _SKIPPED_FOLDERS or not name.isidentifier() or path in others:
        return False
    return not os.path.exists(os.path.join(path, "pyvenv.cfg"))


def _is_readable(path: str) -> bool:
    return os.path.isfile(path) and os.path.getsize(path) <= _LONGEST_BYTES


def _read(path: str, root: str) -> SourceFile:
    parts = os.path.relpath(path, root)[: -len(".py")].split(os.sep)
    is_package = parts[-1] == "__init__" and len(parts) > 1
    with open(path, "rb") as file:
        text = file.read()
    module = ".".join(parts[:-1] if is_package else parts)
    return SourceFile(module=module, path=path, is_package=is_package, text=text)
