"""The colour themes, the colours of log lanes, and the choice between themes. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import BUILTIN_THEMES, Theme

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
# The colours that the terminal's own palette names: for terminals with 16 colours, and with
# `NO_COLOR`, where Textual leaves out even those. Faults are bold and reversed then.
ANSI = Theme(
    name="odbctl-ansi",
    primary="ansi_blue",
    secondary="ansi_default",
    accent="ansi_cyan",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    ansi=True,
    variables=BUILTIN_THEMES["ansi-dark"].variables,
)
THEMES = (DARK, LIGHT, ANSI)
# The instances of a log: never in or near the colours of warnings and errors.
LANES: Mapping[str, tuple[str, ...]] = {
    DARK.name: (
        "#6CB6FF",
        "#8CCB78",
        "#56C2C9",
        "#C49BEA",
        "#93A4FF",
        "#4FD1A5",
        "#DA97E8",
        "#A3B4C8",
    ),
    LIGHT.name: (
        "#1F5FA8",
        "#2A6E2E",
        "#0B6B78",
        "#6F3E92",
        "#4145B5",
        "#0A6A50",
        "#86309C",
        "#4E5D77",
    ),
    ANSI.name: (
        "blue",
        "green",
        "cyan",
        "magenta",
        "bright_blue",
        "bright_green",
        "bright_cyan",
        "bright_magenta",
    ),
}
# Settings of `tui_theme` that do not depend on the environment.
_BY_SETTING = {"dark": DARK.name, "light": LIGHT.name, "ansi": ANSI.name}
# Of the 16 colours: those that terminals use for a light background.
_LIGHT_BACKGROUNDS = frozenset({"7", "15"})
# Ends of TERM, and values of COLORTERM, of terminals with more than 16 colours.
_RICH_TERMINALS = ("256color", "direct", "truecolor", "kitty", "alacritty", "ghostty", "wezterm")
_TRUE_COLOURS = frozenset({"truecolor", "24bit"})


def lane_colours(theme: str) -> tuple[str, ...]:
    """Return the colours of log lanes in a theme."""
    return LANES.get(theme, LANES[DARK.name])


def has_few_colours(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal says that it has 16 colours at most."""
    terminal = environ.get("TERM", "")
    if terminal in ("", "dumb") or environ.get("COLORTERM", "").lower() in _TRUE_COLOURS:
        return False
    return not terminal.endswith(_RICH_TERMINALS)


def theme_name(environ: Mapping[str, str]) -> str:
    """Choose a theme by `TERM` and `COLORFGBG`; dark when a terminal says nothing."""
    if has_few_colours(environ):
        return ANSI.name
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if background in _LIGHT_BACKGROUNDS else DARK.name


def choose_theme(setting: str, environ: Mapping[str, str]) -> str:
    """Choose a theme: `NO_COLOR` comes first, then the setting, then the terminal."""
    if "NO_COLOR" in environ:
        return ANSI.name
    return _BY_SETTING.get(setting) or theme_name(environ)
