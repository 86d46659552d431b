"""What the names of one module stand for, read from its syntax tree."""

from __future__ import annotations

import ast
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from odbctl.engine.codebases.source_files import SourceFile

_LONGEST_DOC = 500  # characters


@dataclass(frozen=True, slots=True)
class ModuleName:
    """A name that stands for a module."""

    module: str


@dataclass(frozen=True, slots=True)
class ImportedName:
    """A name that stands for what another module calls `name`."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that stands for an expression, as in `Base = framework.ServiceBase`."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassDefinition:
    """A class and the expressions that it derives from."""

    module: str
    name: str
    path: str
    line: int
    doc: str
    bases: tuple[tuple[str, ...], ...]


Binding = ModuleName | ImportedName | Alias | ClassDefinition


@dataclass(slots=True)
class ModuleTable:
    """The bindings of one module; several for a name that is bound in branches."""

    source: SourceFile
    bindings: dict[str, list[Binding]] = field(default_factory=lambda: defaultdict(list))
    star_imports: list[str] = field(default_factory=list[str])

    @property
    def classes(self) -> Iterator[ClassDefinition]:
        """The classes that the module defines."""
        for bindings in self.bindings.values():
            for binding in bindings:
                if isinstance(binding, ClassDefinition):
                    yield binding


def parse_module(source: SourceFile) -> ModuleTable:
    """Return the table of a module.

    Raises:
        SyntaxError: It is not Python, or newer than this interpreter's.
        ValueError, LookupError, RecursionError, MemoryError: The parser gave up.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the author's odd escapes are not ours to tell
        tree = ast.parse(source.text, filename=source.path)
    table = ModuleTable(source)
    for statement in _statements(tree.body):
        _bind(table, statement)
    return table


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run at import, those of `if`, `try` and `with` too."""
    for statement in body:
        yield statement
        match statement:
            case ast.If() | ast.For() | ast.While():
                yield from _statements(statement.body + statement.orelse)
            case ast.With():
                yield from _statements(statement.body)
            case ast.Try() | ast.TryStar():
                handled = [inner for handler in statement.handlers for inner in handler.body]
                rest = statement.orelse + statement.finalbody
                yield from _statements(statement.body + handled + rest)
            case _:
                pass


def _bind(table: ModuleTable, statement: ast.stmt) -> None:
    match statement:
        case ast.Import():
            for alias in statement.names:
                first = alias.name.partition(".")[0]
                target = alias.name if alias.asname else first
                table.bindings[alias.asname or first].append(ModuleName(target))
        case ast.ImportFrom():
            _bind_from(table, statement)
        case ast.ClassDef():
            _bind_class(table, statement, prefix="")
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            if parts := _dotted(value):
                table.bindings[name].append(Alias(parts))
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            if parts := _dotted(value):
                table.bindings[name].append(Alias(parts))
        case _:
            pass


def _bind_from(table: ModuleTable, statement: ast.ImportFrom) -> None:
    module = _absolute(table.source, statement.module or "", statement.level)
    if module is None:
        return
    for alias in statement.names:
        if alias.name == "*":
            table.star_imports.append(module)
        else:
            bound = ImportedName(module, alias.name)
            table.bindings[alias.asname or alias.name].append(bound)


def _absolute(source: SourceFile, module: str, level: int) -> str | None:
    if level == 0:
        return module
    parts = source.module.split(".")
    up = level - 1 if source.is_package else level
    if up > len(parts):
        return None
    base = parts[: len(parts) - up]
    return ".".join([*base, module] if module else base)


def _bind_class(table: ModuleTable, statement: ast.ClassDef, *, prefix: str) -> None:
    name = prefix + statement.name
    doc = (ast.get_docstring(statement) or "").strip()
    definition = ClassDefinition(
        module=table.source.module,
        name=name,
        path=table.source.path,
        line=statement.lineno,
        doc=doc.partition("\n")[0][:_LONGEST_DOC],
        bases=tuple(filter(None, map(_dotted, statement.bases))),
    )
    table.bindings[name].append(definition)
    for inner in statement.body:
        if isinstance(inner, ast.ClassDef):
            _bind_class(table, inner, prefix=name + ".")


def _dotted(expression: ast.expr) -> tuple[str, ...]:
    """Return `a.b.C` as its parts; `Base[int]` counts as `Base`."""
    if isinstance(expression, ast.Subscript):
        return _dotted(expression.value)
    if isinstance(expression, ast.Attribute):
        front = _dotted(expression.value)
        return (*front, expression.attr) if front else ()
    return (expression.id,) if isinstance(expression, ast.Name) else ()
