"""The completion scripts that are shipped are those that would be generated now."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from git_repos import GitRepoFactory
from stocked_home import stock

from odbctl.cli import main
from odbctl.commands.completion.scripts import FILES, SHELLS, completion_script
from odbctl.paths import Home

ROOT = Path(__file__).parents[2]
REMEDY = "python -m odbctl.commands.completion.scripts completions"


@pytest.mark.parametrize("shell", SHELLS)
def test_shipped_scripts_are_current(shell: str) -> None:
    shipped = (ROOT / "completions" / FILES[shell]).read_text("utf-8")
    assert shipped == completion_script(shell), f"run {REMEDY}"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == completion_script(shell)


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_can_read_its_script(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    script = ROOT / "completions" / FILES[shell]
    assert subprocess.run([program, "-n", script], check=False).returncode == 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("line", "words", "expected"),
    [
        ("odbctl service sta", ["odbctl", "service", "sta"], ["start", "status"]),
        ("odbctl service start ", ["odbctl", "service", "start", ""], ["hello"]),
        (
            "odbctl service start --co",
            ["odbctl", "service", "start", "--co"],
            ["--color", "--count"],
        ),
        # Readline has split the word at the `@` and keeps what stands before it.
        ("odbctl codebase show app@m", ["odbctl", "codebase", "show", "app", "@", "m"], ["main"]),
    ],
)
def test_bash_offers_what_fits(
    line: str, words: list[str], expected: list[str], home: Home, tmp_path: Path
) -> None:
    stock(home)
    assert bash_offers(line, tmp_path, words) == expected


def bash_offers(line: str, tmp_path: Path, words: list[str] | None = None) -> list[str]:
    """Return what bash would insert for a line that ends at the cursor."""
    program = tmp_path / "odbctl"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m odbctl "$@"\n')
    program.chmod(0o755)
    words = words or line.split(" ")
    script = (
        f'PATH="{tmp_path}:$PATH"; export PYTHONPATH="{ROOT}"\n'
        f'source "{ROOT}/completions/odbctl.bash"\n'
        f"COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_WORDS=({shlex.join(words)})\n"
        f"COMP_CWORD={len(words) - 1}\n"
        '_odbctl; printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("typed", ["", "$", r"\$\(touch"])
def test_bash_quotes_what_it_inserts(
    typed: str, git_repo: GitRepoFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = git_repo()
    repo.commit({"a": "1"})
    repo.git("branch", "--move", "$(touch${IFS}canary)&#'\"!{a,b}")
    monkeypatch.chdir(repo.path)
    offered = bash_offers(f"odbctl codebase add {typed}", tmp_path)
    word = next(line for line in offered if "touch" in line)
    line = f"printf %s {word}"
    done = subprocess.run(
        ["bash", "--norc", "-c", line], capture_output=True, text=True, check=True
    )
    assert done.stdout == "$(touch${IFS}canary)&#'\"!{a,b}"
    assert not (repo.path / "canary").exists()
