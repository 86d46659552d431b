"""Settings of the command line: flag > environment > project file > user file > default.

Both files are TOML with a `[settings]` table. The user's may have a `[keys]` table: keys of
the dashboard by action, which the dashboard checks. The project file (`odbctl.toml` in the
current folder or one above) may not set where things are or what code runs: entering a
folder that somebody else wrote must be harmless.
Read once, in the command line's process.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from odbctl.errors import UsageError
from odbctl.light_typing import NamedTuple, cast
from odbctl.ownership import require_trusted_settings
from odbctl.paths import HOME_VARIABLE, Home

LONGEST_FILE_BYTES = 1_000_000
PROJECT_FILE = "odbctl.toml"
USER_FILE = "config.toml"
TABLE = "settings"
KEYS_TABLE = "keys"
OUTPUTS = ("table", "wide", "json", "yaml", "name")
COLORS = ("auto", "always", "never")
THEMES = ("auto", "dark", "light", "ansi")
DEFAULTS = {
    "home": "",
    "output": "table",
    "color": "auto",
    "timeout_seconds": "",
    "manager_strategy": "subprocess",
    "start_method": "",
    "tui_theme": "auto",
}
_CHOICES = {"output": OUTPUTS, "color": COLORS, "tui_theme": THEMES}
_PROJECT_SETTINGS = frozenset({"output", "color", "timeout_seconds"})


class Setting(NamedTuple):
    """A setting's value and where it comes from."""

    name: str
    value: str
    origin: str


class Settings:
    """All settings, each from the strongest source that has it."""

    def __init__(self, found: Mapping[str, Setting]) -> None:
        self._found = dict(found)

    def __getitem__(self, name: str) -> str:
        return self._found[name].value

    def all(self) -> list[Setting]:
        """Return every setting, in the order of `DEFAULTS`."""
        return [self._found[name] for name in DEFAULTS]

    def flag(self, name: str) -> str | None:
        """Return the value that a flag of this command line gave, None without one."""
        setting = self._found[name]
        return setting.value if setting.origin.startswith("--") else None

    def with_flag(self, name: str, value: str) -> Settings:
        """Return these settings with one that a flag gave."""
        setting = _checked(Setting(name, value, f"--{name.replace('_', '-')}"))
        return Settings({**self._found, name: setting})

    @property
    def home(self) -> Home:
        """The odbctl home."""
        return Home.at(self["home"]) if self["home"] else Home.default()

    @property
    def timeout_seconds(self) -> float | None:
        """How long to wait by default; None is for ever."""
        from odbctl.units import parse_duration

        text = self["timeout_seconds"]
        return parse_duration(text) if text else None


def load_settings(
    flags: Mapping[str, str], environ: Mapping[str, str], folder: str | None
) -> Settings:
    """Read the settings.

    Args:
        flags: Values given on the command line, by the settings' names.
        environ: The environment.
        folder: Where the search for the project file starts; None: no project file.

    Raises:
        UsageError: A value or a file is wrong; it says which.
    """
    found = {name: Setting(name, value, "default") for name, value in DEFAULTS.items()}
    given_home = flags.get("home") or environ.get(HOME_VARIABLE, "")
    found |= _read_file(user_file(given_home), allowed=frozenset(DEFAULTS))
    if folder is not None and (project := project_file(folder)):
        found |= _read_file(project, allowed=_PROJECT_SETTINGS)
    for name in DEFAULTS:
        variable = "ODBCTL_" + name.upper()
        if value := environ.get(variable):
            found[name] = Setting(name, value, variable)
    for name, value in flags.items():
        found[name] = Setting(name, value, f"--{name.replace('_', '-')}")
    return Settings({name: _checked(setting) for name, setting in found.items()})


def user_file(home: str = "") -> str:
    """Return the path of the user's file: in a given home, or where platformdirs says."""
    if home:
        return os.path.join(Home.at(home).data_text, USER_FILE)
    import platformdirs

    return os.path.join(platformdirs.user_config_dir("odbctl"), USER_FILE)


def load_keys(path: str) -> dict[str, str]:
    """Return the keys of the dashboard that the user's file sets, by action.

    Raises:
        UsageError: The file cannot be read, or the table is none.
    """
    keys = _read_table(path, KEYS_TABLE)
    for name, value in keys.items():
        if not isinstance(value, str):
            raise UsageError(
                f"{path}: [{KEYS_TABLE}] {name} is not a string", hint=f'{name} = "s" or "n,down"'
            )
    return {name: str(value) for name, value in keys.items()}


def project_file(folder: str) -> str | None:
    """Return the nearest project file in `folder` or above it."""
    place = os.path.abspath(folder)
    while True:
        path = os.path.join(place, PROJECT_FILE)
        if os.path.isfile(path):
            return path
        above = os.path.dirname(place)
        if above == place:
            return None
        place = above


def _read_file(path: str, *, allowed: frozenset[str]) -> dict[str, Setting]:
    return _settings_of(_read_table(path, TABLE), path, allowed)


def _read_table(path: str, name: str) -> dict[str, object]:
    """Return a table of a file; an empty one when there is no file, or none in it.

    Raises:
        NotPermittedError: Another user may have written the file.
        UsageError: It cannot be read.
    """
    if not os.path.isfile(path):
        return {}
    import tomllib

    try:
        require_trusted_settings(path)
        if os.path.getsize(path) > LONGEST_FILE_BYTES:
            raise UsageError(f"cannot read {path}: it is longer than {LONGEST_FILE_BYTES:,} bytes")
        with open(path, "rb") as file:
            values = tomllib.load(file).get(name, {})
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    except RecursionError as error:
        raise UsageError(f"cannot read {path}: it is nested too deeply") from error
    if not isinstance(values, dict):
        raise UsageError(f"{path}: {name!r} is not a table")
    return cast("dict[str, object]", values)


def _settings_of(
    values: dict[str, object], path: str, allowed: frozenset[str]
) -> dict[str, Setting]:
    for name in values:
        if name not in allowed:
            known = ", ".join(sorted(allowed))
            raise UsageError(f"{path}: it cannot set {name!r}", hint=f"it can set: {known}")
    return {name: Setting(name, str(value), path) for name, value in values.items()}


def _checked(setting: Setting) -> Setting:
    choices = _CHOICES.get(setting.name)
    if choices and setting.value not in choices:
        raise UsageError(
            f"{setting.origin}: no {setting.name} {setting.value!r}",
            hint="one of " + ", ".join(choices),
        )
    if setting.name == "timeout_seconds" and setting.value:
        _check_timeout(setting)
    return setting


def _check_timeout(setting: Setting) -> None:
    from odbctl.units import parse_duration

    try:
        parse_duration(setting.value)
    except UsageError as error:
        raise UsageError(f"{setting.origin}: {error.message}", hint=error.hint) from error
