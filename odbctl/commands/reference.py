"""The reference pages, made from what the code says of itself.

`python -m odbctl.commands.reference docs/reference/*.md` writes the pages
again; a test holds them equal to what this module makes. Run by developers.
"""

from __future__ import annotations

import re
import sys
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from odbctl.commands.catalog import ALIASES, EXIT_CODES, NOUNS, SHORTCUTS, TOP
from odbctl.commands.help_text import exit_codes_help, root_help
from odbctl.commands.output import failures  # its errors count, too
from odbctl.commands.parsing.app import build
from odbctl.engine.api import documents, store_documents
from odbctl.errors import OdbctlError

WIDTH = 100
_MADE = "<!-- made by `python -m odbctl.commands.reference`; do not edit -->"
# Which commands print a document; those of two kinds stand with the one they are about.
_PRINTED_BY = {
    "InstanceDocument": ("instance list", "instance show", "ps"),
    "ServiceDocument": ("service list", "service show", "service status"),
    "CodebaseDocument": ("codebase list", "codebase show"),
    "ServiceClassDocument": ("codebase services",),
    "ReleaseDocument": ("service history",),
    "HostDocument": ("host list", "host show"),
    "ManagerDocument": ("manager status",),
    "EventDocument": ("event list", "event watch"),
    "LogDocument": ("service logs", "instance logs"),
    "FiguresDocument": ("instance figures",),
    "HookDocument": ("hook list", "hook show"),
    "CheckDocument": ("doctor", "db check"),
    "WhyDocument": ("why",),
    "TypeDocument": ("db types",),
    "ObjectDocument": ("db list", "db show"),
    "ChangeDocument": ("db watch",),
    "BackupDocument": ("db backup", "db restore"),
}


def cli_page() -> str:
    """Return the help of every command as a page."""
    parts = [_head("Commands"), _code(root_help()), _short_forms()]
    for noun, (text, verbs) in NOUNS.items():
        parts.append(f"## {noun}\n\n{text}.")
        parts += [_command(noun, verb) for verb in verbs]
    parts.append("## Without a noun")
    parts += [_command(None, name) for name in TOP if name != "help"]
    parts.append("## Exit codes\n\n" + _code(exit_codes_help()))
    return "\n\n".join(parts) + "\n"


def _short_forms() -> str:
    """Return the section on words that stand for longer commands."""
    rows = [(f"`odbctl {w}`", f"`odbctl service {verb}`") for w, verb in SHORTCUTS.items()]
    rows += [(f"`odbctl NOUN {w}`", f"`odbctl NOUN {verb}`") for w, verb in ALIASES.items()]
    return "## Short forms\n\n" + _table(("short", "long"), rows)


def command_help(noun: str | None, name: str) -> str:
    """Return the help of a command, as wide on every terminal."""
    built = build(noun, name)
    path = " ".join(filter(None, ("odbctl", noun, name)))
    context = built.make_context(path, [], resilient_parsing=True, terminal_width=WIDTH)
    text: str = built.get_help(context)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _command(noun: str | None, name: str) -> str:
    title = " ".join(filter(None, ("odbctl", noun, name)))
    return f"### {title}\n\n{_code(command_help(noun, name))}"


def documents_page() -> str:
    """Return the fields of every JSON document as a page."""
    introduction = (
        "With `-o json` a command prints these; a list is an array of them, and a log that is "
        "followed a document per line. Times are seconds since the epoch, in UTC; null where "
        "something has not happened. Fields may be added and are never renamed or dropped while "
        "`version` is 1.\n\n"
        "A command that changes something prints the object as it is afterwards, with two fields "
        "more: `action`, a word for what was done (`unchanged` when nothing was), and "
        "`notes`, an array of strings. `config show` prints settings: `name`, `value`, `origin`."
    )
    sections = [_document(name, each) for name, each in _documents()]
    return "\n\n".join([_head("JSON documents"), introduction, *sections]) + "\n"


def _documents() -> Iterator[tuple[str, type]]:
    modules = (documents, store_documents)
    found = (each for module in modules for each in vars(module).items())
    return ((name, each) for name, each in found if name.endswith("Document"))


def _document(name: str, document: type) -> str:
    printed_by = ", ".join(f"`odbctl {each}`" for each in _PRINTED_BY.get(name, ()))
    where = f"Printed by {printed_by}." if printed_by else "A part of other documents."
    hints = typing.get_type_hints(document)
    rows = [(f"`{field}`", _spelt(hint)) for field, hint in hints.items()]
    return f"## {name.removesuffix('Document')}\n\n{where}\n\n" + _table(("field", "type"), rows)


def _spelt(hint: object) -> str:
    """Spell a type as JSON people do."""
    text = hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)
    text = re.sub(r"[\w.]*\.(\w+)Document", r"\1", text).removesuffix("Document")
    words = {"str": "string", "bool": "boolean", "float": "number", "int": "integer"}
    words |= {"None": "null", "NoneType": "null", "dict": "object"}
    text = re.sub(r"dict\[.*\]", "dict", text)
    text = re.sub(r"list\[(.*)\]", r"array of \1", text)
    return re.sub(r"\b\w+\b", lambda found: words.get(found[0], found[0]), text).replace("|", "or")


def errors_page() -> str:
    """Return the codes of all errors, and the exit codes, as a page."""
    introduction = (
        'With `-o json` an error is a document on standard error: `kind` ("error"), `version`, '
        "`code`, `message`, `hint`, `exit_code`, and `log` when the log says why. `code` is "
        "stable: scripts may test it. In Python these are classes of `odbctl.errors`."
    )
    kinds = sorted(_tree(OdbctlError), key=lambda kind: (kind.exit_code, kind.code))
    rows = [(f"`{k.code}`", str(k.exit_code), f"`{k.__name__}`", _first_line(k)) for k in kinds]
    codes = [(str(code), text) for code, text in EXIT_CODES]
    return "\n\n".join(
        [
            _head("Errors"),
            introduction,
            _table(("code", "exit code", "class", "meaning"), rows),
            "## Exit codes",
            _table(("code", "meaning"), codes) + "\n",
        ]
    )


def _tree(kind: type[OdbctlError]) -> set[type[OdbctlError]]:
    """Return an error's class and all below it that this program defines."""
    known = ("odbctl.errors", failures.__name__)
    below = {each for child in kind.__subclasses__() for each in _tree(child)}
    return {each for each in {kind, *below} if each.__module__ in known}


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0].rstrip(".")


def _head(title: str) -> str:
    return f"# {title}\n\n{_MADE}"


def _code(text: str) -> str:
    return f"```text\n{text}\n```"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "documents.md": documents_page,
    "errors.md": errors_page,
}


def main(paths: Iterable[str]) -> None:
    """Write the pages at these paths, each known by its file's name."""
    for path in map(Path, paths):
        path.write_text(PAGES[path.name](), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
