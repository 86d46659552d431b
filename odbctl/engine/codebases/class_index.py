"""Which classes of a codebase derive from odbctl's ServiceBase.

Only files that mention ServiceBase, or a name through which a class could
derive from it, are parsed: of a thousand files that is a handful.

An expression like `framework.Base`, in a module, leads to other expressions:
over aliases, imports, star imports and base classes. Which of them lead to
ServiceBase is a search in that graph. Its size is bounded, because the code
may be anybody's: star imports in a circle and aliases of their own attributes
make graphs that are very large, or have no end.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from odbctl.engine.codebases.module_table import (
    Alias,
    Binding,
    ClassDefinition,
    ImportedName,
    ModuleName,
    ModuleTable,
    parse_module,
)
from odbctl.engine.codebases.source_files import SourceFile

FRAMEWORK = "odbctl"
BASE_CLASS = "ServiceBase"

# Far more than any real codebase needs. Steps are counted for each search.
MOST_STEPS = 200_000
MOST_ROUNDS = 30
MOST_PARSED_BYTES = 64 * 2**20
MOST_PARTS = 20
# A longer alternation of names is slower than looking each word up.
_MOST_ALTERNATIVES = 50
_WORD = re.compile(rb"[^\W\d]\w*")
_TOO_ENTANGLED = "its imports and base classes are too complex to follow"

_Expression = tuple[str, tuple[str, ...]]


class ClassIndex:
    """The modules of a codebase, as far as services can be in them."""

    def __init__(self, sources: Iterable[SourceFile]) -> None:
        self._sources = {source.module: source for source in sources}
        self._tables: dict[str, ModuleTable] = {}
        self._is_entangled = False
        self._parsable_bytes = MOST_PARSED_BYTES
        self.skipped: dict[str, str] = {}

    def derived_classes(self) -> tuple[ClassDefinition, ...]:
        """Return every class that derives from ServiceBase, in no particular order.

        When the code is too entangled, classes may be missing; `skipped` then says so.
        """
        self._parse_relevant()
        definitions = [found for table in self._tables.values() for found in table.classes]
        starts = [node for found in definitions for node in _base_nodes(found)]
        leading = self._leading_to_base(starts)
        if self._is_entangled:
            self.skipped |= {table.source.path: _TOO_ENTANGLED for table in self._tables.values()}
        return tuple(d for d in definitions if any(n in leading for n in _base_nodes(d)))

    def _parse_relevant(self) -> None:
        """Parse files that mention ServiceBase, then those that mention names found there."""
        rest = dict(self._sources)
        names = {BASE_CLASS}
        seen: set[str] = set()
        for _ in range(MOST_ROUNDS):
            if not names or not rest or self._is_entangled:
                return
            seen |= names
            mentions = _mention_of(names)
            hits = [source for source in rest.values() if mentions(source.text)]
            for source in hits:
                del rest[source.module]
                self._parse(source)
            names = set(self._leading_names(hits)) - seen

    def _parse(self, source: SourceFile) -> None:
        self._parsable_bytes -= len(source.text)
        if self._parsable_bytes < 0:
            limit = f"{MOST_PARSED_BYTES >> 20} MB"
            self.skipped[source.path] = f"more than {limit} of code mention {BASE_CLASS}"
            return
        try:
            self._tables[source.module] = parse_module(source)
        except (SyntaxError, ValueError, LookupError, RecursionError, MemoryError) as error:
            line = f"line {error.lineno}: " if isinstance(error, SyntaxError) else ""
            text = error.msg if isinstance(error, SyntaxError) else str(error)
            self.skipped[source.path] = line + (text or type(error).__name__)

    def _leading_names(self, sources: Iterable[SourceFile]) -> Iterator[str]:
        """Yield the names of these modules that lead to ServiceBase."""
        tables = [table for s in sources if (table := self._tables.get(s.module)) is not None]
        nodes = [(table.source.module, (name,)) for table in tables for name in table.bindings]
        leading = self._leading_to_base(nodes)
        for node in nodes:
            if node in leading:
                yield node[1][0].rpartition(".")[2]

    def _leading_to_base(self, starts: Iterable[_Expression]) -> set[_Expression]:
        """Return the expressions, reached from `starts`, that are ServiceBase or derive from it."""
        sources = self._explore(starts)
        frontier = [node for node in sources if _is_base(node)]
        leading = set(frontier)
        while frontier:
            found = {node for node in sources.get(frontier.pop(), ()) if node not in leading}
            leading |= found
            frontier += found
        return leading

    def _explore(self, starts: Iterable[_Expression]) -> dict[_Expression, list[_Expression]]:
        """Return every expression that is reached from `starts`, with those that lead to it."""
        sources: dict[_Expression, list[_Expression]] = {node: [] for node in starts}
        steps = 0
        frontier = deque(sources)  # the nearest first: what has no end keeps nothing near away
        while frontier:
            node = frontier.popleft()
            for target in self._targets(node):
                steps += 1
                if steps > MOST_STEPS:
                    self._is_entangled = True
                    return sources
                if target not in sources:
                    sources[target] = []
                    frontier.append(target)
                sources[target].append(node)
        return sources

    def _targets(self, node: _Expression) -> Iterator[_Expression]:
        """Yield the expressions that an expression in a module may stand for."""
        module, parts = node
        if _is_framework(module) or len(parts) > MOST_PARTS:
            return
        table = self._tables.get(module)
        if table is not None:
            for length in range(len(parts), 0, -1):
                for binding in table.bindings.get(".".join(parts[:length]), ()):
                    yield from _targets_of(binding, module, parts[length:])
            for starred in table.star_imports:
                yield starred, parts
        if len(parts) > 1:  # the first part may be a module inside a package
            yield f"{module}.{parts[0]}", parts[1:]


def _targets_of(binding: Binding, module: str, rest: tuple[str, ...]) -> Iterator[_Expression]:
    match binding:
        case ClassDefinition():
            if not rest:
                yield from _base_nodes(binding)
        case Alias(parts):
            yield module, parts + rest
        case ImportedName(source, name):
            yield source, (name, *rest)
        case ModuleName(name):
            if rest:
                yield name, rest


def _base_nodes(definition: ClassDefinition) -> Iterator[_Expression]:
    return ((definition.module, base) for base in definition.bases)


def _mention_of(names: set[str]) -> Callable[[bytes], bool]:
    """Return the test whether a file mentions one of the names."""
    encoded = {name.encode() for name in names}
    if len(encoded) <= _MOST_ALTERNATIVES:
        pattern = re.compile(rb"\b(?:%s)\b" % b"|".join(map(re.escape, encoded)))
        return lambda text: pattern.search(text) is not None
    return lambda text: any(word.group() in encoded for word in _WORD.finditer(text))


def _is_base(node: _Expression) -> bool:
    return _is_framework(node[0]) and node[1][-1] == BASE_CLASS


def _is_framework(module: str) -> bool:
    return module == FRAMEWORK or module.startswith(FRAMEWORK + ".")
