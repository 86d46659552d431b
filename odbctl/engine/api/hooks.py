"""Use cases of hooks: what is called when something has happened."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from odbctl.engine.api.documents import HookDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, near
from odbctl.engine.api.results import Change
from odbctl.engine.api.setting_changes import hook_settings, setting_changes
from odbctl.engine.api.versions import VERSION
from odbctl.engine.codebases.names import validate_name
from odbctl.engine.managers.hook_calls import HookCall, HookCommands, carry_out
from odbctl.engine.model.core import Hook
from odbctl.engine.model.events import record_event
from odbctl.engine.model.states import EventLevel
from odbctl.errors import AlreadyExistsError, HookFailedError, NotFoundError, UsageError, shown
from odbctl.masking import mask_text, mask_words

_DAY_SECONDS = 86_400.0
_SHORTEST_CALL_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class HookOptions:
    """What a hook does, and for which events; empty means all."""

    command: Sequence[str] = ()
    url: str = ""
    service: str = ""
    reasons: Sequence[str] = ()
    level: str = EventLevel.INFO
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    debounce_seconds: float = 10.0
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HookChanges:
    """What to change of a hook; None leaves it as it is, empty means all again."""

    command: Sequence[str] | None = None
    url: str | None = None
    service: str | None = None
    reasons: Sequence[str] | None = None
    level: str | None = None
    headers: Mapping[str, str] | None = None
    debounce_seconds: float | None = None
    timeout_seconds: float | None = None


def add_hook(engine: Engine, name: str, options: HookOptions) -> Change:
    """Add a hook.

    Raises:
        AlreadyExistsError: There is one of that name.
        UsageError: It does not say what to do, or an option is wrong.
    """
    validate_name("hook", name)
    level = _level(options.level)
    added_after = engine.db.last_commit()

    def write() -> Change:
        if Hook.lookup_unique(name=name) is not None:
            raise AlreadyExistsError("hook", name, hint=f"odbctl hook set {name} --help")
        hook = Hook(
            name=name,
            created_at=time.time(),
            command=list(options.command),
            url=options.url,
            headers=dict(options.headers),
            service=options.service,
            reasons=list(options.reasons),
            level=level,
            debounce_seconds=options.debounce_seconds,
            timeout_seconds=options.timeout_seconds,
            added_after=added_after,
        )
        _check(hook)
        record_event(f"hook/{name}", "added", _what(hook), actor=actor())
        text = f"hook {name}: {_what(hook)}"
        return Change(action="added", message=text, document=hook_document(hook))

    return engine.db.run(write)


def set_hook(engine: Engine, name: str, changes: HookChanges) -> Change:
    """Change a hook; a command replaces a URL and the other way round.

    Raises:
        NotFoundError: There is no such hook.
        UsageError: A value is wrong.
    """

    def write() -> Change:
        hook = find_hook(name)
        before, headers = hook_settings(hook), dict(hook.headers)
        _apply(hook, changes)
        _check(hook)
        changed = setting_changes(before, hook_settings(hook))
        if dict(hook.headers) != headers:
            changed.append("new headers")
        after = hook_document(hook)
        if not changed:
            text = f"hook {name} already has these settings"
            return Change(action="unchanged", message=text, document=after)
        text = "; ".join(changed)
        record_event(f"hook/{name}", "set", text, actor=actor())
        return Change(action="set", message=f"hook {name}: {text}", document=after)

    return engine.db.run(write)


def enable_hook(engine: Engine, name: str, is_enabled: bool) -> Change:
    """Call a hook again for events from now on, or stop calling it.

    Raises:
        NotFoundError: There is no such hook.
    """
    last_commit = engine.db.last_commit()
    word = "enabled" if is_enabled else "disabled"

    def write() -> Change:
        hook = find_hook(name)
        if hook.is_enabled is is_enabled:
            text = f"hook {name} is already {word}"
            return Change(action="unchanged", message=text, document=hook_document(hook))
        hook.is_enabled = is_enabled
        if is_enabled:
            hook.added_after = last_commit  # events while it was disabled are not for it
        record_event(f"hook/{name}", word, "", actor=actor())
        return Change(action=word, message=f"hook {name}", document=hook_document(hook))

    return engine.db.run(write)


def _apply(hook: Hook, changes: HookChanges) -> None:
    if changes.command is not None:
        hook.command, hook.url = list(changes.command), ""
    if changes.url is not None:
        hook.url = changes.url
        if changes.command is None:
            hook.command = []
    if changes.service is not None:
        hook.service = changes.service
    if changes.reasons is not None:
        hook.reasons = list(changes.reasons)
    if changes.level is not None:
        hook.level = _level(changes.level)
    if changes.headers is not None:
        hook.headers = dict(changes.headers)
    if changes.debounce_seconds is not None:
        hook.debounce_seconds = changes.debounce_seconds
    if changes.timeout_seconds is not None:
        hook.timeout_seconds = changes.timeout_seconds


def _check(hook: Hook) -> None:
    """Refuse a hook that could not be called.

    Raises:
        UsageError: It has no command and no URL, or both, or a value is wrong.
    """
    if bool(hook.command) == bool(hook.url):
        raise UsageError("a hook needs a command or a URL", hint="--url URL, or -- COMMAND …")
    if hook.url and not hook.url.startswith(("http://", "https://")):
        raise UsageError(f"{shown(hook.url)} is not an http URL", hint="--url https://…")
    if not 0 <= hook.debounce_seconds <= _DAY_SECONDS:
        raise UsageError("the debounce time must be from 0s to 1d", hint="--debounce 10s")
    if not _SHORTEST_CALL_SECONDS <= hook.timeout_seconds <= _DAY_SECONDS:
        raise UsageError("the timeout must be from 0.1s to 1d", hint="--timeout 10s")


def _level(text: str) -> EventLevel:
    try:
        return EventLevel(text)
    except ValueError:
        levels = ", ".join(level.value for level in EventLevel)
        raise UsageError(f"no level {text!r}", hint=f"one of {levels}") from None


def _what(hook: Hook) -> str:
    return mask_text(hook.url) or " ".join(mask_words(hook.command)[0])


def list_hooks(engine: Engine) -> list[HookDocument]:
    """Return all hooks by name."""
    with engine.db.view():
        return [hook_document(h) for h in sorted(Hook.lookup_all(), key=lambda h: h.name)]


def show_hook(engine: Engine, name: str) -> HookDocument:
    """Return one hook.

    Raises:
        NotFoundError: There is none of that name.
    """
    with engine.db.view():
        return hook_document(find_hook(name))


def remove_hook(engine: Engine, name: str) -> Change:
    """Remove a hook."""

    def write() -> Change:
        hook = find_hook(name)
        document = hook_document(hook)
        hook.delete()
        record_event(f"hook/{name}", "removed", "", actor=actor())
        return Change(action="removed", message=f"hook {name}", document=document)

    return engine.db.run(write)


def try_hook(engine: Engine, name: str) -> Change:
    """Call a hook now, from here, with an event that says so.

    Raises:
        HookFailedError: It failed.
    """
    with engine.db.view():
        hook = find_hook(name)
        document = hook_document(hook)
        fields: dict[str, object] = {
            "kind": "event",
            "version": VERSION,
            "at": time.time(),
            "level": EventLevel.INFO.value,
            "object": f"hook/{name}",
            "service": None,
            "reason": "test",
            "message": "test of the hook",
            "actor": actor(),
            "release": None,
            "count": 1,
        }
        call = HookCall(
            name, tuple(hook.command), hook.url, dict(hook.headers), hook.timeout_seconds, fields
        )
    if problem := carry_out(call, HookCommands()):
        raise HookFailedError(name, problem)
    return Change(action="tested", message=f"hook {name}", document=document)


def find_hook(name: str) -> Hook:
    """Return a hook. Needs an open view.

    Raises:
        NotFoundError: There is no such hook.
    """
    hook = Hook.lookup_unique(name=name)
    if hook is None:
        names = [h.name for h in Hook.lookup_all()]
        raise NotFoundError("hook", name, near=near(name, names))
    return hook


def hook_document(hook: Hook) -> HookDocument:
    """Describe a hook; of its headers only the names, and secrets are masked."""
    return {
        "kind": "hook",
        "version": VERSION,
        "name": hook.name,
        "command": mask_words(hook.command)[0],
        "url": mask_text(hook.url),
        "header_names": sorted(hook.headers),
        "service": hook.service,
        "reasons": list(hook.reasons),
        "level": hook.level.value,
        "debounce_seconds": hook.debounce_seconds,
        "timeout_seconds": hook.timeout_seconds,
        "enabled": hook.is_enabled,
    }
