"""Which services are in a codebase: found by parsing, never by importing.

Run by the process that adds a codebase or creates a service; `source_roots`
also by managers, which is why the parser is imported late.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from odbctl.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundService:
    """A class that derives from ServiceBase; `path` starts at the root of the tree."""

    module: str
    class_name: str
    path: str
    line: int
    doc: str

    @property
    def spec(self) -> str:
        """The class as `module:Class`."""
        return f"{self.module}:{self.class_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFile:
    """A file that could not be parsed, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What was found in a tree."""

    services: tuple[FoundService, ...]
    skipped: tuple[SkippedFile, ...]


def source_roots(tree: Path, source_root: str | None = None) -> tuple[Path, ...]:
    """Return the folders that modules are imported from, in the order of the search.

    Args:
        tree: The root of a checkout.
        source_root: The one folder to take, relative to the tree; by default
            the tree itself, and its `src` unless that is a package.

    Raises:
        UsageError: The folder is outside of the tree, or is none.
    """
    if source_root is None:
        src = tree / "src"
        if src.is_dir() and not (src / "__init__.py").exists():
            return (tree, src)
        return (tree,)
    inner = os.path.normpath(source_root) if source_root else ""
    if not inner or os.path.isabs(inner) or inner.split(os.sep)[0] == os.pardir:
        raise UsageError(
            f"the source root {source_root!r} is not a folder inside the codebase",
            hint="give its path in the repository, for example --source-root python",
        )
    root = tree / inner
    if not root.is_dir():
        raise UsageError(f"the codebase has no folder {source_root!r} to import from")
    return (root,)


def find_services(tree: Path, *, source_root: str | None = None) -> tuple[FoundService, ...]:
    """Return every class that derives from ServiceBase, by module and line.

    Derivation is followed through the codebase's own classes, over modules,
    aliases, relative imports and re-exports. Classes inside of functions are
    not found.
    """
    return scan_services(tree, source_root=source_root).services


def scan_services(tree: Path, *, source_root: str | None = None) -> Scan:
    """Return what `find_services` does, and the files that could not be parsed."""
    from odbctl.engine.codebases.class_index import ClassIndex
    from odbctl.engine.codebases.source_files import read_sources

    index = ClassIndex(read_sources(source_roots(tree, source_root)))
    services = [
        FoundService(
            module=found.module,
            class_name=found.name,
            path=os.path.relpath(found.path, tree),
            line=found.line,
            doc=found.doc,
        )
        for found in index.derived_classes()
    ]
    skipped = [
        SkippedFile(path=os.path.relpath(path, tree), reason=reason)
        for path, reason in sorted(index.skipped.items())
    ]
    services.sort(key=lambda found: (found.module, found.line))
    return Scan(services=tuple(services), skipped=tuple(skipped))


def near_services(found: Iterable[FoundService], spec: str) -> tuple[str, ...]:
    """Return the names, as `module:Class`, that `spec` may have meant; the nearest first."""
    import difflib

    specs = [service.spec for service in found]
    wanted = spec.rpartition(":")[2].lower()
    same_class = [known for known in specs if known.rpartition(":")[2].lower() == wanted]
    same_class = difflib.get_close_matches(spec, same_class, n=3, cutoff=0.0)
    near = difflib.get_close_matches(spec, specs, n=3, cutoff=0.6)
    return tuple(dict.fromkeys([*same_class, *near]))[:3]
