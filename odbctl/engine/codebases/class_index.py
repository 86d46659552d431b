"""Which classes of a codebase derive from odbctl's ServiceBase.

Only files that mention ServiceBase, or a name through which one could derive
from it, are parsed: of a thousand files that is a handful.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

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

_Expression = tuple[str, tuple[str, ...]]


class ClassIndex:
    """The modules of a codebase, as far as services can be in them."""

    def __init__(self, sources: Iterable[SourceFile]) -> None:
        self._sources = {source.module: source for source in sources}
        self._tables: dict[str, ModuleTable] = {}
        self.skipped: dict[str, str] = {}

    def derived_classes(self) -> tuple[ClassDefinition, ...]:
        """Return every class that derives from ServiceBase, in no particular order."""
        self._parse_relevant()
        return tuple(
            definition
            for table in self._tables.values()
            for definition in table.classes
            if self._derives(definition, frozenset())
        )

    def _parse_relevant(self) -> None:
        """Parse what mentions ServiceBase, then what mentions the names found there, and so on."""
        rest = dict(self._sources)
        names = {BASE_CLASS}
        seen: set[str] = set()
        while names and rest:
            seen |= names
            pattern = re.compile(rb"\b(?:%s)\b" % b"|".join(re.escape(n.encode()) for n in names))
            hits = [source for source in rest.values() if pattern.search(source.text)]
            for source in hits:
                del rest[source.module]
                self._parse(source)
            names = {name for source in hits for name in self._leads(source)} - seen

    def _parse(self, source: SourceFile) -> None:
        try:
            self._tables[source.module] = parse_module(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = f"line {error.lineno}: " if isinstance(error, SyntaxError) else ""
            text = error.msg if isinstance(error, SyntaxError) else str(error)
            self.skipped[source.path] = line + (text or type(error).__name__)

    def _leads(self, source: SourceFile) -> Iterator[str]:
        """Yield the names of a module that lead to ServiceBase."""
        table = self._tables.get(source.module)
        for name in table.bindings if table else ():
            if self._leads_to_base((source.module, (name,)), frozenset()):
                yield name.rpartition(".")[2]

    def _derives(self, definition: ClassDefinition, seen: frozenset[_Expression]) -> bool:
        return any(
            self._leads_to_base((definition.module, base), seen) for base in definition.bases
        )

    def _leads_to_base(self, expression: _Expression, seen: frozenset[_Expression]) -> bool:
        """Return whether an expression, in a module, is ServiceBase or derives from it."""
        if expression in seen:  # modules may import each other in a circle
            return False
        module, parts = expression
        if _is_framework(module):
            return parts[-1] == BASE_CLASS
        table = self._tables.get(module)
        if table is None:
            return self._is_below(module, parts, seen | {expression})
        for length in range(len(parts), 0, -1):
            bindings = table.bindings.get(".".join(parts[:length]), ())
            if any(self._follow(b, module, parts[length:], seen | {expression}) for b in bindings):
                return True
        if any(self._leads_to_base((s, parts), seen | {expression}) for s in table.star_imports):
            return True
        return self._is_below(module, parts, seen | {expression})

    def _is_below(self, module: str, parts: tuple[str, ...], seen: frozenset[_Expression]) -> bool:
        """Take the first part for a module inside of a package."""
        return len(parts) > 1 and self._leads_to_base((f"{module}.{parts[0]}", parts[1:]), seen)

    def _follow(
        self,
        binding: Binding,
        module: str,
        rest: tuple[str, ...],
        seen: frozenset[_Expression],
    ) -> bool:
        match binding:
            case ClassDefinition():
                return not rest and self._derives(binding, seen)
            case Alias(parts):
                return self._leads_to_base((module, parts + rest), seen)
            case ImportedName(source, name):
                return self._leads_to_base((source, (name, *rest)), seen)
            case ModuleName(name):
                return bool(rest) and self._leads_to_base((name, rest), seen)


def _is_framework(module: str) -> bool:
    return module == FRAMEWORK or module.startswith(FRAMEWORK + ".")
