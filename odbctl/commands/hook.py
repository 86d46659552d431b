"""`odbctl hook …`: commands and URLs that are called on events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from odbctl.commands.actions.confirm import confirm
from odbctl.commands.actions.waiting import done
from odbctl.commands.output.results import Listing, Result, Single
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.parsing.options import Yes, duration_option
from odbctl.commands.session import session
from odbctl.errors import UsageError

app = new_app("hook")

HookName = Annotated[str, typer.Argument(metavar="NAME", help="The hook")]


Url = Annotated[str | None, typer.Option(metavar="URL", help="Call this URL (POST, JSON)")]
ServicePattern = Annotated[
    str | None,
    typer.Option(
        "--service", metavar="PATTERN", help="Only events of services that match, such as 'api*'"
    ),
]
Reasons = Annotated[
    list[str] | None,
    typer.Option("--reason", metavar="PATTERN", help="Only events with this reason; repeatable"),
]
Level = Annotated[
    str | None, typer.Option(metavar="LEVEL", help="info, warning or error, and above")
]
HeaderFile = Annotated[
    str | None, typer.Option(metavar="FILE", help="File of HTTP headers, as lines of `Name: value`")
]
Debounce = Annotated[
    float | None, duration_option(text="Minimum time between two calls for the same object (10s)")
]
CallTimeout = Annotated[float | None, duration_option(text="Time limit of a call (10s)")]


@command(
    app,
    "add",
    example=(
        "odbctl hook add mail --reason crashed --level error -- mail -s odbctl me@example.org",
        "odbctl hook add chat --url https://example.org/hooks/1 --service 'api*' "
        "--header-file token",
    ),
)
def add(
    name: HookName,
    url: Url = None,
    service: ServicePattern = None,
    reason: Reasons = None,
    level: Level = None,
    header_file: HeaderFile = None,
    debounce: Debounce = None,
    timeout: CallTimeout = None,
) -> Result:
    """Add a hook: a command after `--`, or a URL, that is called on events.

    The event is passed as JSON: to a command on standard input (and as ODBCTL_EVENT_…
    variables), to a URL as the body of a POST request. Events of one object within the
    debounce time are combined into one call, with a count. A failed call is retried once.
    """
    from odbctl.engine.api.hooks import HookOptions, add_hook

    options = HookOptions(
        command=session().words_after_dashes or (),
        url=url or "",
        service=service or "",
        reasons=tuple(reason or ()),
        level=level or "info",
        headers=_headers(header_file),
        debounce_seconds=10.0 if debounce is None else debounce,
        timeout_seconds=10.0 if timeout is None else timeout,
    )
    with session().open_engine() as engine:
        return done(add_hook(engine, name, options))


@command(
    app,
    "set",
    example=(
        "odbctl hook set mail --level warning --debounce 5m",
        "odbctl hook set mail -- mail -s odbctl you@example.org",
        "odbctl hook set chat --service '' --reason ''",
    ),
)
def set_(
    name: HookName,
    url: Url = None,
    service: ServicePattern = None,
    reason: Reasons = None,
    level: Level = None,
    header_file: HeaderFile = None,
    debounce: Debounce = None,
    timeout: CallTimeout = None,
) -> Result:
    """Change a hook; options that are not given keep their values.

    An empty pattern matches everything. A command after `--` replaces a URL, and a URL
    replaces a command.
    """
    from odbctl.engine.api.hooks import HookChanges, set_hook

    changes = HookChanges(
        command=session().words_after_dashes,
        url=url,
        service=service,
        reasons=None if reason is None else tuple(filter(None, reason)),
        level=level,
        headers=None if header_file is None else _headers(header_file),
        debounce_seconds=debounce,
        timeout_seconds=timeout,
    )
    if changes == HookChanges():
        raise UsageError("nothing to change", hint="odbctl hook set --help")
    with session().open_engine() as engine:
        return done(set_hook(engine, name, changes))


@command(
    app,
    "edit",
    example=("odbctl hook edit mail", "EDITOR='code --wait' odbctl hook edit mail"),
)
def edit(name: HookName) -> Result:
    """Change a hook in an editor: $VISUAL, $EDITOR, vi or nano.

    It opens a TOML text with the settings of `hook set`, and applies the values that were
    changed. When a value is refused, the editor opens again with the error on top. Headers,
    and commands and URLs with secrets, are not shown.
    """
    from odbctl.commands.actions.editor import edit_text
    from odbctl.engine.api.editable_settings import editable_hook, read_hook_edits, settings_text
    from odbctl.engine.api.hooks import set_hook

    with session().open_engine() as engine:
        hook = editable_hook(engine, name)
        text = settings_text(hook, _setting_helps())
        return edit_text(
            name,
            text,
            lambda edited: done(set_hook(engine, name, read_hook_edits(hook, edited))),
            noun="hook",
        )


def _setting_helps() -> dict[str, str]:
    """Return what each setting means, by option."""
    options = {
        "url": Url,
        "service": ServicePattern,
        "reason": Reasons,
        "level": Level,
        "debounce": Debounce,
        "timeout": CallTimeout,
    }
    helps = {key: str(get_args(hint)[1].help) for key, hint in options.items()}
    helps = {key: text.removesuffix("; repeatable") for key, text in helps.items()}
    return {"command": "Call this command; a hook has a command or a URL"} | helps


def _enable(name: str, is_enabled: bool) -> Result:
    from odbctl.engine.api.hooks import enable_hook

    with session().open_engine() as engine:
        return done(enable_hook(engine, name, is_enabled))


@command(app, "enable", example="odbctl hook enable mail")
def enable(name: HookName) -> Result:
    """Call a hook again, on events from now on."""
    return _enable(name, is_enabled=True)


@command(app, "disable", example="odbctl hook disable mail")
def disable(name: HookName) -> Result:
    """Stop calling a hook; its settings are kept."""
    return _enable(name, is_enabled=False)


def _headers(file: str | None) -> dict[str, str]:
    if file is None:
        return {}
    try:
        lines = Path(file).read_text("utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read {file}: it is not UTF-8 text") from error
    headers: dict[str, str] = {}
    for line in filter(str.strip, lines):
        key, sign, value = line.partition(":")
        if not sign or not key.strip():
            raise UsageError(f"a line of {file} is not Name: value")
        headers[key.strip()] = value.strip()
    return headers


@command(app, "list", example="odbctl hook list")
def list_() -> Result:
    """List hooks."""
    from odbctl.engine.api.hooks import list_hooks

    with session().open_engine() as engine:
        return Listing("hook", list_hooks(engine), "no hooks: odbctl hook add --help")


@command(app, "show", example="odbctl hook show mail")
def show(name: HookName) -> Result:
    """Show one hook."""
    from odbctl.engine.api.hooks import show_hook

    with session().open_engine() as engine:
        return Single(show_hook(engine, name), "show")


@command(app, "test", example="odbctl hook test mail")
def test(name: HookName) -> Result:
    """Call a hook now with a test event; exit 1 when it fails."""
    from odbctl.engine.api.hooks import try_hook

    with session().open_engine() as engine:
        return done(try_hook(engine, name))


@command(app, "remove", example="odbctl hook remove mail --yes")
def remove(name: HookName, yes: Yes = False) -> Result:
    """Remove a hook."""
    from odbctl.engine.api.hooks import remove_hook, show_hook

    with session().open_engine() as engine:
        show_hook(engine, name)
        confirm(f"Remove hook {name}?", yes=yes)
        return done(remove_hook(engine, name))
