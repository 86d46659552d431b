"""Hooks and hosts as a TOML text that a person edits, and what the edited text changes.

The settings are named after the options of `hook set` and `host set`, and written as people
type them. HTTP headers, and commands and URLs with secrets, are never written. Pure, but for
`editable_hook` and `editable_host`, which need an open home.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.hooks import HookChanges, find_hook
from odbctl.engine.api.hosts import HostChanges
from odbctl.engine.api.lookups import find_host, near
from odbctl.engine.api.setting_changes import Setting, hook_settings, host_settings
from odbctl.engine.api.setting_texts import NONE
from odbctl.engine.api.toml_text import parse_toml, toml_value, typed_setting
from odbctl.errors import UsageError, shown
from odbctl.masking import mask_text, mask_words
from odbctl.units import parse_duration

# More cores, GB or instances than any machine has.
_LARGEST = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EditableSettings:
    """The settings of an object, by option; `hidden` are those that are not written."""

    title: str
    settings: Mapping[str, Setting]
    hidden: Sequence[str] = ()
    notes: Sequence[str] = ()


def editable_hook(engine: Engine, name: str) -> EditableSettings:
    """Read a hook.

    Raises:
        NotFoundError: There is no such hook.
    """
    with engine.db.view():
        hook = find_hook(name)
        settings = hook_settings(hook)
        has_secret = {
            "command": mask_words(hook.command)[0] != hook.command,
            "url": mask_text(hook.url) != hook.url,
        }
        notes = [f"To change HTTP headers: odbctl hook set {name} --header-file FILE"]
        if hook.headers:
            notes.insert(0, f"HTTP headers, not shown: {', '.join(sorted(hook.headers))}")
        return EditableSettings(
            title=f"Hook {name}",
            settings=settings,
            hidden=[key for key, is_hidden in has_secret.items() if is_hidden],
            notes=notes,
        )


def editable_host(engine: Engine, name: str) -> EditableSettings:
    """Read a host.

    Raises:
        NotFoundError: There is no such host.
    """
    with engine.db.view():
        return EditableSettings(title=f"Host {name}", settings=host_settings(find_host(name)))


def settings_text(editable: EditableSettings, comments: Mapping[str, str]) -> str:
    """Return the TOML text of settings.

    Args:
        editable: The settings to write.
        comments: What each setting means, by option.
    """
    lines = [
        f"# {editable.title}. Edit the values, save, and exit the editor. Only changed",
        "# values are applied; to cancel, exit without saving. A setting whose line is removed",
        "# keeps its value.",
        "",
    ]
    for key, value in editable.settings.items():
        if comment := comments.get(key):
            lines.append(f"# {comment}")
        is_hidden = key in editable.hidden
        lines.append(f"# {key}: secret, not shown" if is_hidden else f"{key} = {toml_value(value)}")
    lines += ["", *(f"# {note}" for note in editable.notes)] if editable.notes else []
    return "\n".join(lines) + "\n"


def _changed(editable: EditableSettings, text: str) -> dict[str, object]:
    """Return the values that an edited text changes, by option.

    Raises:
        UsageError: The text is not TOML, or has an unknown key.
    """
    document = parse_toml(text)
    for key in document:
        if key not in editable.settings:
            close = near(key, editable.settings)
            hint = f"did you mean {' or '.join(close)}?" if close else None
            raise UsageError(f"no setting {shown(key)}", hint=hint)
    return {key: value for key, value in document.items() if value != editable.settings[key]}


def read_hook_edits(editable: EditableSettings, text: str) -> HookChanges:
    """Return what an edited text changes of a hook.

    Raises:
        UsageError: The text is not TOML, or a key or the type of a value is wrong.
    """
    changed = {
        key: typed_setting(key, value, like=editable.settings[key])
        for key, value in _changed(editable, text).items()
    }
    texts = {key: str(value) for key, value in changed.items()}
    reasons = changed.get("reason")
    return HookChanges(
        command=_words(texts["command"]) if "command" in texts else None,
        url=texts.get("url"),
        service=texts.get("service"),
        reasons=tuple(reasons) if isinstance(reasons, list) else None,
        level=texts.get("level"),
        debounce_seconds=parse_duration(texts["debounce"]) if "debounce" in texts else None,
        timeout_seconds=parse_duration(texts["timeout"]) if "timeout" in texts else None,
    )


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"{shown(text)} is not a command line: {error}") from error


def read_host_edits(editable: EditableSettings, text: str) -> HostChanges:
    """Return what an edited text changes of a host.

    Raises:
        UsageError: The text is not TOML, or a key or a value is wrong.
    """
    changed = _changed(editable, text)
    placement = changed.get("placement")
    return HostChanges(
        placement=None
        if placement is None
        else str(typed_setting("placement", placement, like="")),
        cores=_amount("cores", changed.get("cores")),
        ram_gb=_amount("ram-gb", changed.get("ram-gb")),
        max_instances=_most(changed.get("max-instances")),
    )


def _amount(key: str, value: object) -> float | None:
    if value is None:
        return None
    number = typed_setting(key, value, like=0.0)
    if not isinstance(number, float) or not 0 <= number <= _LARGEST:
        raise UsageError(f"{key} must be from 0 to {_LARGEST:,}")
    return number


def _most(value: object) -> int | None:
    if value is None:
        return None
    if value == NONE:
        return -1
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST
    if not is_count:
        raise UsageError('max-instances must be a number of instances, or "none"')
    assert isinstance(value, int)
    return value
