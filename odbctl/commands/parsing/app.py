"""The bridge to typer: defining commands, and running the one that was named.

Each module of commands has an `app`; only the one command that runs is built.
Every command takes the common options, has an example in its help, and
returns a `Result`.
"""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import wraps
from importlib import import_module
from typing import Annotated, Any, Protocol, cast

import typer

from odbctl.commands.catalog import LISTINGS, NOUNS, TOP, UNFORMATTED, module_of
from odbctl.commands.output.results import Result, Text
from odbctl.commands.session import session
from odbctl.errors import OdbctlError, UsageError

# The root of everything typer says of a wrong command line.
_TYPER_ERRORS: type[Exception] = typer.BadParameter.__mro__[2]


class _TyperError(Protocol):
    exit_code: int

    def format_message(self) -> str: ...


def _take(name: str) -> Callable[[str | None], None]:
    def take(value: str | None) -> None:
        if value is not None:
            session().set_flag(name, value)

    return take


def _take_json(value: bool) -> None:
    if value:
        session().set_flag("output", "json")


def _take_quiet(value: bool) -> None:
    if value:
        session().set_flag("output", "name")


def _take_no_headers(value: bool) -> None:
    if value:
        session().arrangement = session().arrangement._replace(has_headers=False)


def _take_sort(value: str | None) -> None:
    if value is not None:
        session().arrangement = session().arrangement._replace(sort=value)


def _take_filters(value: list[str] | None) -> None:
    if value:
        session().arrangement = session().arrangement._replace(filters=tuple(value))


_COMMON: dict[str, Any] = {
    "output": Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FORMAT",
            help="table, wide, json, yaml or name",
            callback=_take("output"),
        ),
    ],
    "json": Annotated[bool, typer.Option("--json", help="Short for -o json", callback=_take_json)],
    "color": Annotated[
        str | None,
        typer.Option(
            "--color", metavar="WHEN", help="auto, always or never", callback=_take("color")
        ),
    ],
    "home": Annotated[
        str | None,
        typer.Option("--home", metavar="DIR", help="Use this odbctl home", callback=_take("home")),
    ],
}
# Options of commands that print a list.
_LISTING: dict[str, Any] = {
    "quiet": Annotated[
        bool,
        typer.Option("-q", "--quiet", help="Print names only", callback=_take_quiet),
    ],
    "no_headers": Annotated[
        bool,
        typer.Option("--no-headers", help="Omit the column headers", callback=_take_no_headers),
    ],
    "sort": Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Sort by a column; -COLUMN reverses", callback=_take_sort
        ),
    ],
    "row_filters": Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="KEY=VALUE",
            help="Only rows with this value or pattern; != excludes; repeatable",
            callback=_take_filters,
        ),
    ],
}
# Commands that pass on what stands behind `--`.
_PASSING_ON = frozenset(
    {("service", "configure"), ("hook", "add"), ("hook", "set"), ("service", "exec")}
)
_DEFAULTS = {
    "output": None,
    "json": False,
    "color": None,
    "home": None,
    "quiet": False,
    "no_headers": False,
    "sort": None,
    "row_filters": None,
}
_FORMATS = frozenset({"output", "json"})


def new_app(noun: str | None = None) -> typer.Typer:
    """Return an app for a module's commands, which are verbs of `noun` or have none."""
    return typer.Typer(name=noun, rich_markup_mode=None, add_completion=False)


def command(
    app: typer.Typer, name: str, *, example: str | Sequence[str]
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Define a command with the common options and an example in its help."""
    examples = [example] if isinstance(example, str) else list(example)
    epilog = "\b\nExample:\n" + "\n".join(f"  {line}" for line in examples)

    def define(work: Callable[..., Result]) -> Callable[..., Result]:
        app.command(
            name,
            help=_help_of(app.info.name, name, work),
            epilog=epilog,
            context_settings={
                "help_option_names": ["-h", "--help"],
                "max_content_width": 100,
                # `-1` is a number there, and no option.
                "ignore_unknown_options": (app.info.name, name) == ("service", "scale"),
            },
        )(_with_common_options(work, _common_of(app.info.name, name)))
        return work

    return define


def _help_of(noun: str | None, name: str, work: Callable[..., object]) -> str:
    """Return the catalog's line for a command, then what its docstring says besides."""
    line = NOUNS[noun][1][name] if noun else TOP[name]
    _, _, more = (inspect.getdoc(work) or "").partition("\n\n")
    return f"{line}.\n\n{more}"


def _common_of(noun: str | None, name: str) -> dict[str, Any]:
    """Return the common options that a command takes."""
    key = (noun, name)
    common = {**(_LISTING if key in LISTINGS else {}), **_COMMON}
    if key in UNFORMATTED:
        common = {option: hint for option, hint in common.items() if option not in _FORMATS}
    return common


def _with_common_options(
    work: Callable[..., Result], common: dict[str, Any]
) -> Callable[..., Result]:
    """Return `work` as typer sees it: with common options, whose callbacks handle them."""

    @wraps(work)
    def run(**given: Any) -> Result:
        return work(**{name: value for name, value in given.items() if name not in common})

    signature = inspect.signature(work, eval_str=True)
    extra = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS[name], annotation=annotation
        )
        for name, annotation in common.items()
    ]
    own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in signature.parameters.values()]
    visible = cast("Any", run)
    visible.__signature__ = signature.replace(parameters=[*own, *extra])
    visible.__annotations__ = {p.name: p.annotation for p in [*own, *extra]}
    return run


def build(noun: str | None, name: str) -> Any:
    """Build one command of a module, and no other."""
    app: typer.Typer = import_module(module_of(noun, name)).app
    single = new_app()
    single.registered_commands = [c for c in app.registered_commands if c.name == name]
    return typer.main.get_command(single)


def run(noun: str | None, name: str, words: Sequence[str], *, typed: str | None = None) -> Result:
    """Run a command, or return its help, which shows the command as it was typed.

    Raises:
        UsageError: Its words are wrong.
        OdbctlError: What the command raises.
    """
    path = f"odbctl {typed}" if typed else " ".join(filter(None, ("odbctl", noun, name)))
    built = build(noun, name)
    own = list(words)
    if (noun, name) in _PASSING_ON and "--" in own:
        place = own.index("--")
        session().words_after_dashes = tuple(own[place + 1 :])
        own = own[:place]
    if (noun, name) in UNFORMATTED:
        _refuse_format(path, own)
    shown = io.StringIO()
    try:
        with redirect_stdout(shown):  # help is printed while parsing
            context = built.make_context(path, own)
        with context:
            return cast("Result", built.invoke(context))
    except typer.Exit:
        return Text(shown.getvalue())
    except _TYPER_ERRORS as error:
        raise _translated(error, path) from error


def _refuse_format(path: str, words: Sequence[str]) -> None:
    """Refuse -o for a command whose output has one form; it would be ignored.

    Raises:
        UsageError: A format was asked for.
    """
    typed = any(w in ("-o", "--json") or w.startswith("--output") for w in words)
    if typed or session().settings.flag("output") is not None:
        raise UsageError(f"{path} does not support output formats", hint="leave out -o or --json")


def _translated(error: Exception, path: str) -> OdbctlError:
    message = cast("_TyperError", error).format_message()
    return UsageError(message[:1].lower() + message[1:].rstrip("."), hint=f"{path} --help")
