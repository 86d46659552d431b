"""`odbctl edit`: with scripts in place of an editor, with and without a terminal."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from cli_runner import Ran, odbctl
from pseudo_terminal import Terminal
from stocked_home import stock
from waiting import eventually

from odbctl.paths import Home

_MAIN = "import sys; from odbctl.cli import main; sys.exit(main(['edit', 'hello']))"


@pytest.fixture(autouse=True)
def drafts(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder where texts are written, with a service in the home."""
    stock(home)
    folder = tmp_path / "drafts"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    return folder


def editor(tmp_path: Path, script: str) -> str:
    """Return the path of an editor that does what a shell script says with the file `$1`."""
    path = tmp_path / "editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def edit(tmp_path: Path, script: str, *words: str) -> Ran:
    return odbctl("edit", "hello", *words, env={"EDITOR": editor(tmp_path, script)})


def stop_grace() -> float:
    return float(odbctl("service", "show", "hello", "--json").json["stop_grace_seconds"])


SET = """sed 's/^stop-grace = .*/stop-grace = "%s"/' "$1" >"$1.new"; mv "$1.new" "$1" """


def test_what_was_edited_is_set_without_a_release(tmp_path: Path, drafts: Path) -> None:
    ran = edit(tmp_path, f"echo talk; {SET % '5m'}", "--json")
    assert (ran.code, ran.json["action"], ran.json["release"]) == (0, "set", 1), ran
    assert "talk" in ran.err
    assert stop_grace() == 300
    assert not list(drafts.iterdir())


def test_the_text_is_private_and_explains_itself(tmp_path: Path) -> None:
    copy, modes = tmp_path / "copy", tmp_path / "modes"
    script = f'cp "$1" "{copy}"; stat -c %f "$1" "$(dirname "$1")" >"{modes}"'
    ran = edit(tmp_path, script)
    assert ran.out.startswith("unchanged"), ran
    text = copy.read_text()
    assert "# Time that an instance has to stop before it is killed\nstop-grace =" in text
    found = [stat.S_IMODE(int(mode, 16)) for mode in modes.read_text().split()]
    assert found == [0o600, 0o700]


def test_an_editor_that_fails_changes_nothing(tmp_path: Path, drafts: Path) -> None:
    ran = edit(tmp_path, f"{SET % '5m'}; exit 3")
    assert ran.code == 1
    assert "ended with exit code 3; nothing was changed" in ran.err
    assert stop_grace() == 10
    assert not list(drafts.iterdir())


@pytest.mark.parametrize("text", ["soon", 'so"on', "-3s"])
def test_a_refused_text_is_kept_without_a_terminal(tmp_path: Path, text: str) -> None:
    ran = edit(tmp_path, SET % text)
    assert ran.code == 2
    kept = re.search(r"the text is kept in (\S+)", ran.err)
    assert kept is not None, ran
    assert f'stop-grace = "{text}"' in Path(kept[1]).read_text()
    assert stop_grace() == 10


def test_without_a_terminal_and_an_editor_there_is_a_hint(drafts: Path) -> None:
    ran = odbctl("service", "edit", "hello")
    assert ran.code == 2
    assert "hint: odbctl service set hello" in ran.err
    assert not list(drafts.iterdir())


def test_visual_comes_before_editor_and_may_have_words(tmp_path: Path) -> None:
    words = f"{editor(tmp_path, 'exit $1')} 7"
    ran = odbctl("edit", "hello", env={"VISUAL": words, "EDITOR": "true"})
    assert "exit code 7" in ran.err
    ran = odbctl("edit", "hello", env={"EDITOR": "/no/such/editor"})
    assert (ran.code, "cannot edit with '/no/such/editor'" in ran.err) == (2, True)


def test_a_service_that_does_not_exist_opens_no_editor(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    ran = odbctl("edit", "helo", env={"EDITOR": editor(tmp_path, f'touch "{mark}"')})
    assert (ran.code, mark.exists()) == (4, False)


def at_terminal(home: Home, command: str) -> tuple[int, str]:
    """Edit at a terminal; return the exit code and what was shown."""
    words = ("-c", f"import os; os.environ['EDITOR'] = {command!r}; {_MAIN}")
    terminal = Terminal(home, *words)
    try:
        code = terminal.process.wait(timeout=60)
        eventually(lambda: terminal.text.endswith("\n"))
    finally:
        terminal.close()
    return code, terminal.text


def test_at_a_terminal_the_editor_opens_again_with_the_error(
    home: Home, tmp_path: Path, drafts: Path
) -> None:
    copy = tmp_path / "second"
    first, second = SET % "soon", f'cp "$1" "{copy}"; {SET % "5m"}'
    script = f'if grep -q "^#! " "$1"; then {second}; else {first}; fi'
    code, text = at_terminal(home, editor(tmp_path, script))
    assert code == 0, text
    assert copy.read_text().startswith("#! error: 'soon' is not a duration\n#! hint: write 10")
    assert stop_grace() == 300
    assert not list(drafts.iterdir())


def test_a_refused_text_that_is_saved_again_as_it_is_gives_up(
    home: Home, tmp_path: Path, drafts: Path
) -> None:
    code, text = at_terminal(home, editor(tmp_path, SET % "soon"))
    assert code == 2
    assert "the text is kept in" in text
    assert len(list(drafts.glob("*/hello.toml"))) == 1


def test_what_took_effect_before_a_refusal_can_be_taken_back(home: Home, tmp_path: Path) -> None:
    """The class of the service does not exist, so that every configuration is refused."""
    first = f"{SET % '5m'}; echo 'city = 1' >>\"$1\""
    second = f"""{SET % "10s"}; sed -i '/^city/d' "$1" """
    script = f'if grep -q "^#! " "$1"; then {second}; else {first}; fi'
    code, text = at_terminal(home, editor(tmp_path, script))
    assert code == 0, text
    assert "stop grace: 10s -> 5m (set without a restart); the configuration is unchanged" in text
    assert stop_grace() == 10
