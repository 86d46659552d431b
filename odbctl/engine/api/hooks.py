"""Use cases of hooks: what is called when something has happened."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from odbctl.engine.api.documents import HookDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, near
from odbctl.engine.api.results import Change
from odbctl.engine.api.versions import VERSION
from odbctl.engine.codebases.names import validate_name
from odbctl.engine.managers.hook_calls import HookCall, HookCommands, carry_out
from odbctl.engine.model.core import Hook
from odbctl.engine.model.events import record_event
from odbctl.engine.model.states import EventLevel
from odbctl.errors import AlreadyExistsError, NotFoundError, UsageError


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


def add_hook(engine: Engine, name: str, options: HookOptions) -> Change:
    """Add a hook.

    Raises:
        AlreadyExistsError: There is one of that name.
        UsageError: It does not say what to do, or an option is wrong.
    """
    validate_name("hook", name)
    level = _level(options.level)
    if bool(options.command) == bool(options.url):
        raise UsageError("a hook has a command or a URL", hint="--url URL, or -- COMMAND …")
    if options.url and not options.url.startswith(("http://", "https://")):
        raise UsageError(f"{options.url!r} is no http URL")
    for what, number in (("debounce", options.debounce_seconds), ("time", options.timeout_seconds)):
        if not 0 <= number <= 86_400:
            raise UsageError(f"a {what} of {number:g} s")

    added_after = engine.db.last_commit()

    def write() -> Change:
        if Hook.lookup_unique(name=name) is not None:
            raise AlreadyExistsError("hook", name, hint=f"odbctl hook remove {name}")
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
        record_event(f"hook/{name}", "added", _what(hook), actor=actor())
        text = f"hook {name}: {_what(hook)}"
        return Change(action="added", message=text, document=hook_document(hook))

    return engine.db.run(write)


def _level(text: str) -> EventLevel:
    try:
        return EventLevel(text)
    except ValueError:
        levels = ", ".join(level.value for level in EventLevel)
        raise UsageError(f"no level {text!r}", hint=f"one of {levels}") from None


def _what(hook: Hook) -> str:
    return hook.url or " ".join(hook.command)


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
        return hook_document(_find(name))


def remove_hook(engine: Engine, name: str) -> Change:
    """Remove a hook."""

    def write() -> Change:
        hook = _find(name)
        document = hook_document(hook)
        hook.delete()
        record_event(f"hook/{name}", "removed", "", actor=actor())
        return Change(action="removed", message=f"hook {name}", document=document)

    return engine.db.run(write)


def try_hook(engine: Engine, name: str) -> Change:
    """Call a hook now, from here, with an event that says so.

    Raises:
        UsageError: It failed.
    """
    with engine.db.view():
        hook = _find(name)
        document = hook_document(hook)
        fields: dict[str, object] = {
            "kind": "event",
            "version": VERSION,
            "at": time.time(),
            "level": EventLevel.INFO.value,
            "object": f"hook/{name}",
            "service": None,
            "reason": "test",
            "message": "a test of the hook",
            "actor": actor(),
            "release": None,
            "count": 1,
        }
        call = HookCall(
            name, tuple(hook.command), hook.url, dict(hook.headers), hook.timeout_seconds, fields
        )
    if problem := carry_out(call, HookCommands()):
        raise UsageError(f"hook {name!r} failed: {problem}", hint=f"odbctl hook show {name}")
    return Change(action="tested", message=f"hook {name}", document=document)


def _find(name: str) -> Hook:
    hook = Hook.lookup_unique(name=name)
    if hook is None:
        names = [h.name for h in Hook.lookup_all()]
        raise NotFoundError("hook", name, near=near(name, names))
    return hook


def hook_document(hook: Hook) -> HookDocument:
    """Describe a hook; of its headers only the names."""
    return {
        "kind": "hook",
        "version": VERSION,
        "name": hook.name,
        "command": list(hook.command),
        "url": hook.url,
        "header_names": sorted(hook.headers),
        "service": hook.service,
        "reasons": list(hook.reasons),
        "level": hook.level.value,
        "debounce_seconds": hook.debounce_seconds,
        "timeout_seconds": hook.timeout_seconds,
        "enabled": hook.is_enabled,
    }
