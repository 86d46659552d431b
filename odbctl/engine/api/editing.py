"""A service as a TOML text that a person edits, and what the edited text changes.

The settings are those of `ServiceSettings`, named after the options of `service set` and
written as people type them: `stop-grace = "30s"`. Configuration values are in the table
`[config]`. Environment variables and secret values are never written. Pure, but for
`read_editable`, which needs an open home.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, cast

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import find_service, near
from odbctl.engine.api.setting_changes import Setting, current_settings, option_name
from odbctl.engine.api.setting_texts import NONE
from odbctl.engine.api.settings import ServiceSettings
from odbctl.engine.api.toml_text import parse_toml, toml_value, typed_setting
from odbctl.engine.model.core import ConfigValue
from odbctl.errors import UsageError, shown
from odbctl.masking import is_secret_name, mask_text
from odbctl.units import parse_duration

_NUMBERS = frozenset({"cores", "ram_gb", "cpu_limit"})
_PROBES = ("readiness", "liveness")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_CONFIG = "config"


@dataclass(frozen=True, slots=True, kw_only=True)
class EditableService:
    """What of a service is written to the text, and the names of what is not."""

    name: str
    settings: Mapping[str, Setting]  # by field of ServiceSettings
    config: Mapping[str, bool | int | float | str]
    hidden: Sequence[str]  # configuration values that are secret
    env_names: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """What an edited text changes, as `service set` takes it."""

    settings: ServiceSettings
    words: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is changed."""
        return self == Edits(settings=ServiceSettings())


_FIELDS = {option_name(field.name): field.name for field in fields(ServiceSettings)}


def read_editable(engine: Engine, name: str) -> EditableService:
    """Read a service with its newest release.

    Raises:
        NotFoundError: There is no such service.
    """
    with engine.db.view():
        service = find_service(name)
        release = service.candidate or service.release
        config = {} if release is None else dict(release.config)
        hidden = [key for key, value in config.items() if _is_hidden(key, value)]
        return EditableService(
            name=name,
            settings=current_settings(service),
            config={key: _plain(config[key]) for key in config if key not in hidden},
            hidden=hidden,
            env_names=sorted([] if release is None else release.env),
        )


def _is_hidden(name: str, value: ConfigValue) -> bool:
    """Return whether a value is secret, or cannot be written to a text file."""
    if not isinstance(value, str):
        return value is not None and not isinstance(value, bool) and is_secret_name(name)
    is_writable = not any("\ud800" <= character <= "\udfff" for character in name + value)
    return is_secret_name(name) or mask_text(value) != value or not is_writable


def _plain(value: ConfigValue) -> bool | int | float | str:
    return NONE if value is None else value


def editable_text(service: EditableService, comments: Mapping[str, str]) -> str:
    """Return the TOML text of a service.

    Args:
        service: What to write.
        comments: What a setting means, by field of ServiceSettings.
    """
    lines = [
        f"# Service {service.name}. Edit the values, save, and exit the editor. Only changed",
        "# values are applied; to cancel, exit without saving.",
        "#",
        "# These settings take effect without a restart, except memory-limit and cpu-limit,",
        "# which apply when an instance starts. A setting whose line is removed keeps its value.",
        "",
    ]
    for key, field in _FIELDS.items():
        if comment := comments.get(field):
            lines.append(f"# {comment}")
        lines.append(f"{key} = {toml_value(service.settings[field])}")
    lines += [
        "",
        "# Configuration values. A change is rolled out as a new release. A value whose",
        "# line is removed is unset: the default of the class applies.",
        f"[{_CONFIG}]",
        *(f"{_key(key)} = {toml_value(value)}" for key, value in service.config.items()),
    ]
    if service.hidden:
        lines.append(f"# Secret values, not shown: {_names(service.hidden)}")
    if service.env_names:
        lines += ["", f"# Environment variables, not shown: {_names(service.env_names)}"]
        lines.append(f"# To change one: odbctl service set {service.name} --env NAME=VALUE")
    return "\n".join(lines) + "\n"


def _names(names: Sequence[str]) -> str:
    return ", ".join(name if _BARE_KEY.fullmatch(name) else ascii(name) for name in names)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else toml_value(name)


def read_edits(service: EditableService, text: str) -> Edits:
    """Return what an edited text changes of the service it was made from.

    Raises:
        UsageError: It is not TOML, or a key or the type of a value is wrong.
    """
    document = parse_toml(text)
    config = document.pop(_CONFIG, {})
    if not isinstance(config, dict):
        raise UsageError(f"{_CONFIG} is not a table", hint=f"for example [{_CONFIG}]")
    chosen: dict[str, Any] = {}
    for key, value in document.items():
        if key not in _FIELDS:
            raise _unknown_key(key)
        field = _FIELDS[key]
        if value != service.settings[field]:
            chosen[field] = _setting(key, value, like=service.settings[field])
    chosen = _numbers_of_new_probes(service, chosen)
    words, unset = _config_edits(service, cast("dict[str, object]", config))
    return Edits(settings=ServiceSettings(**chosen), words=words, unset=unset)


def rebased(service: EditableService, edits: Edits, current: EditableService) -> EditableService:
    """Return a service as it is compared with next, after edits of which a part may be done.

    Only the settings that were edited are taken from the current state: what others changed
    meanwhile is left to them.
    """
    edited = {
        field.name
        for field in fields(edits.settings)
        if getattr(edits.settings, field.name) is not None
    }
    settings = {
        name: current.settings[name] if name in edited else value
        for name, value in service.settings.items()
    }
    return replace(service, settings=settings)


def _unknown_key(key: str) -> UsageError:
    close = near(key, _FIELDS)
    hint = (
        f"did you mean {' or '.join(close)}?"
        if close
        else f"configuration values belong in [{_CONFIG}]"
    )
    return UsageError(f"no setting {shown(key)}", hint=hint)


def _setting(key: str, value: object, *, like: Setting) -> object:
    """Return a changed setting as ServiceSettings takes it."""
    value = typed_setting(key, value, like=0.0 if _FIELDS[key] in _NUMBERS else like)
    return parse_duration(str(value)) if _FIELDS[key].endswith("_seconds") else value


def _numbers_of_new_probes(service: EditableService, chosen: dict[str, Any]) -> dict[str, Any]:
    """Give a probe that is added the times that the text shows for probes."""
    was_added = any(service.settings[name] == NONE and name in chosen for name in _PROBES)
    if not was_added:
        return chosen
    shown_numbers = {
        "probe_period_seconds": parse_duration(str(service.settings["probe_period_seconds"])),
        "probe_timeout_seconds": parse_duration(str(service.settings["probe_timeout_seconds"])),
        "probe_failures": service.settings["probe_failures"],
    }
    return shown_numbers | chosen


def _config_edits(
    service: EditableService, config: Mapping[str, object]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words KEY=VALUE that set what differs, and the names that were removed."""
    words: list[str] = []
    for name, value in config.items():
        if name in service.config and value == service.config[name]:
            continue
        if not isinstance(value, bool | int | float | str):
            raise UsageError(f"{_CONFIG}: {shown(name)} must be a string, a number or a boolean")
        if not name or "=" in name:
            raise UsageError(f"{_CONFIG}: {shown(name)} is not a name")
        words.append(f"{name}={_word(value)}")
    return tuple(words), tuple(name for name in service.config if name not in config)


def _word(value: bool | int | float | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
