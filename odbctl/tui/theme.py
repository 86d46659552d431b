"""The two colour themes, and the choice between them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme

DARK = Theme(
    name="odbctl-dark",
    primary="#4C8DCA",
    secondary="#8290AB",
    accent="#56B6C2",
    success="#7FBF6A",
    warning="#E5B567",
    error="#E8697A",
    foreground="#D7DCE4",
    background="#12161C",
    surface="#181D25",
    panel="#202733",
    dark=True,
)
LIGHT = Theme(
    name="odbctl-light",
    primary="#2B6CB0",
    secondary="#55647F",
    accent="#0F7C8A",
    success="#2F7D32",
    warning="#9A6200",
    error="#B3263E",
    foreground="#1D232B",
    background="#F7F8FA",
    surface="#EEF1F4",
    panel="#E1E6EC",
    dark=False,
)
# Settings of `tui_theme` that ask nobody.
_BY_SETTING = {"dark": DARK.name, "light": LIGHT.name}
# Of the 16 colours: those that terminals use for a light background.
_LIGHT_BACKGROUNDS = frozenset({"7", "15"})


def theme_name(environ: Mapping[str, str]) -> str:
    """Choose by `COLORFGBG`, where terminals say their colours; dark when it is not said."""
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if background in _LIGHT_BACKGROUNDS else DARK.name


def choose_theme(setting: str, environ: Mapping[str, str]) -> str:
    """Choose as `tui_theme` says; `auto` asks the environment. `NO_COLOR` greys either one."""
    return _BY_SETTING.get(setting) or theme_name(environ)
