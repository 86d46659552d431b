"""How the dashboard is opened: options, terminal, frames, theme, keys."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import odbctl, succeed
from stocked_home import stock

from odbctl.errors import UsageError
from odbctl.paths import Home
from odbctl.tui.opening import (
    Options,
    is_remote,
    limit_frames,
    make_app,
    open_dashboard,
    parse_screen,
    parse_size,
)
from odbctl.tui.theme import ANSI, DARK, LIGHT, choose_theme
from odbctl.tui.views import View


@pytest.mark.parametrize(("text", "size"), [("120x40", (120, 40)), ("1x1", (1, 1))])
def test_sizes(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "120", "0x5", "5x0", "9999x5", "axb", "120x40x2", "-1x5"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="not a terminal size"):
        parse_size(text)


def test_screens_have_aliases_and_keys() -> None:
    assert {parse_screen(text) for text in ("svc", "services", "2")} == {"services"}
    with pytest.raises(UsageError) as caught:
        parse_screen("nowhere")
    assert "overview" in (caught.value.hint or "")


def test_fewer_frames_over_ssh() -> None:
    for variable in ("SSH_CONNECTION", "SSH_TTY"):
        environ = {variable: "something"}
        assert is_remote(environ)
        limit_frames(environ)
        assert environ["TEXTUAL_FPS"] == "12"
    chosen = {"SSH_TTY": "x", "TEXTUAL_FPS": "30"}
    limit_frames(chosen)
    assert chosen["TEXTUAL_FPS"] == "30"
    here = {"SSH_TTY": ""}
    limit_frames(here)
    assert "TEXTUAL_FPS" not in here


def test_frames_are_limited_before_textual_is_imported() -> None:
    code = (
        "import sys, odbctl.tui.opening as o\n"
        "assert 'textual' not in sys.modules\n"
        "import os; o.limit_frames(os.environ)\n"
        "import textual.constants; print(textual.constants.MAX_FPS)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={"SSH_TTY": "/dev/pts/3", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "12"


@pytest.mark.parametrize(
    ("setting", "environ", "name"),
    [
        ("auto", {}, DARK.name),
        ("auto", {"COLORFGBG": "0;15"}, LIGHT.name),
        ("light", {}, LIGHT.name),
        ("dark", {"COLORFGBG": "0;15"}, DARK.name),
        ("auto", {"TERM": "xterm-256color"}, DARK.name),
        ("auto", {"TERM": "xterm-kitty"}, DARK.name),
        ("auto", {"TERM": "xterm"}, ANSI.name),
        ("auto", {"TERM": "linux", "COLORFGBG": "0;15"}, ANSI.name),
        ("auto", {"TERM": "xterm", "COLORTERM": "truecolor"}, DARK.name),
        ("auto", {"TERM": "dumb"}, DARK.name),
        ("light", {"TERM": "xterm"}, LIGHT.name),
        ("ansi", {"TERM": "xterm-256color"}, ANSI.name),
        ("light", {"NO_COLOR": "1"}, ANSI.name),
    ],
)
def test_themes(setting: str, environ: dict[str, str], name: str) -> None:
    assert choose_theme(setting, environ) == name


@pytest.mark.parametrize("name", ["a.svg", "a.txt"])
def test_a_picture_needs_no_terminal(name: str, home: Home, tmp_path: Path) -> None:
    stock(home)
    open_dashboard(home, Options(screenshot=tmp_path / name, size=(90, 30)))
    text = (tmp_path / name).read_text("utf-8")
    assert "hello" in text
    if name.endswith("txt"):
        assert max(map(len, text.splitlines())) <= 90
    assert not (home.state / "dashboard.json").exists()


def test_the_command_takes_all_of_it(home: Home, tmp_path: Path) -> None:
    stock(home)
    (home.data / "config.toml").write_text(
        '[settings]\ntui_theme = "light"\n[keys]\nstart = "s"\n', "utf-8"
    )
    picture = tmp_path / "services.svg"
    words = ("--screenshot", str(picture), "--screen", "svc", "--size", "100x30")
    succeed("tui", "--readonly", "--no-mouse", *words)
    text = picture.read_text("utf-8")
    assert str(LIGHT.background).lower() in text.lower()
    assert "Start" not in text
    shown = succeed("config", "show", "--origin", "-o", "json").json
    found = {setting["name"]: setting for setting in shown}
    assert found["tui_theme"]["value"] == "light"
    assert found["keys.start"]["value"] == "s"
    assert found["keys.start"]["origin"].endswith("config.toml")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--size", "big", "--screenshot", "a.svg"), "not a terminal size"),
        (("--screen", "nowhere"), "no screen 'nowhere'"),
        (("--screenshot", "a.gif"), "unknown picture format"),
        ((), "needs a terminal"),
    ],
)
def test_wrong_words_are_refused(words: tuple[str, ...], text: str, home: Home) -> None:
    del home
    ran = odbctl("tui", *words)
    assert ran.code == 2
    assert text in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ('[keys]\nnope = "s"', "no action 'nope'"),
        ("[keys]\nstart = 3", "is not a string"),
        ('keys = "s"', "is not a table"),
        ('[keys]\nstart = "x"', "both"),
        ('[settings]\ntui_theme = "blue"', "no tui_theme 'blue'"),
    ],
)
def test_a_wrong_file_is_named(table: str, text: str, home: Home, tmp_path: Path) -> None:
    home.create()
    (home.data / "config.toml").write_text(table, "utf-8")
    ran = odbctl("tui", "--screenshot", str(tmp_path / "a.svg"))
    assert ran.code == 2
    assert text in ran.err
    assert "config.toml" in ran.err


def test_views_are_kept_in_the_home(home: Home) -> None:
    home.create()
    app = make_app(home, Options())
    app.views.screen = "events"
    app.views.save()
    assert make_app(home, Options()).views.screen == "events"


@pytest.mark.parametrize("screen", [view.value for view in View])
def test_every_screen_has_its_picture(screen: str, home: Home, tmp_path: Path) -> None:
    stock(home)
    picture = tmp_path / "picture.txt"
    succeed("tui", "--screenshot", str(picture), "--screen", screen, "--size", "80x24")
    assert picture.read_text("utf-8").splitlines()[1].split()[0] == screen
