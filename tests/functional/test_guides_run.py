"""The console blocks of a page can be pasted from top to bottom, and print what the page shows.

A page runs in a fresh default home (`HOME` is a temporary folder, `ODBCTL_HOME` is not set), one
command at a time in the folder where the previous one ended. Shown output is compared with hashes,
numbers and paths replaced by a mark.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import remove_tree
from waiting import eventually

ROOT = Path(__file__).parents[2]
# The quick ones; the others are walked by hand.
GUIDES = (
    "getting-started",
    "services",
    "ports",
    "strategies",
    "from-object-database",
    "evolving-a-schema",
)
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.DOTALL | re.MULTILINE)
READING = re.compile(r"odbctl (logs|ps|why|ls|status)\b")
# How far a command has come depends on when it looked.
PROGRESS = re.compile(
    r"^[\w-]+: (starting|running|rolling|settling|stopping|stopped|release \d+ failed)\b"
)
MARKS = (
    (re.compile(r"\x1b\[[\d;]*m"), ""),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{10,40}\b"), "HASH"),
    (re.compile(r"/[\w./-]*/"), "/"),
    (re.compile(r"\d+(\.\d+)?"), "N"),
    (re.compile(r"\s+"), " "),
)


@dataclass
class Shell:
    """A newcomer's shell: a fresh home, and the folder where the last command ended."""

    folder: Path
    environment: dict[str, str]
    last_folder_file: Path = field(init=False)

    def __post_init__(self) -> None:
        self.last_folder_file = Path(self.environment["HOME"], ".last-folder")

    def run(self, command: str, *, may_fail: bool = False) -> str:
        """Run a command as it was typed; return what it printed to either stream."""
        ran = subprocess.run(
            ["bash", "-c", f'{command}\ncode=$?; pwd > "{self.last_folder_file}"; exit $code'],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        self.folder = Path(self.last_folder_file.read_text().strip())
        assert ran.returncode == 0 or may_fail, f"$ {command}\n{ran.stdout}"
        return ran.stdout


@pytest.fixture
def shell() -> Iterator[Shell]:
    """Make a shell in an empty home; end all that was started in it.

    Its path is short, because it is part of the paths of unix sockets.
    """
    folder = tempfile.mkdtemp(prefix="odb-", dir="/tmp")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ODBCTL_", "XDG_", "GIT_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = Shell(Path(folder), {**kept, "HOME": folder, "PATH": path, "USER": "ann"})
    for key, value in (("user.name", "Ann"), ("user.email", "ann@example.org")):
        shell.run(f"git config --global {key} {value}")
    yield shell
    shell.run("odbctl manager stop --with-services", may_fail=True)
    remove_tree(Path(folder))


@pytest.mark.parametrize("page", ["README.md", *(f"docs/guide/{name}.md" for name in GUIDES)])
def test_blocks_of_a_page_run_and_print_what_is_shown(shell: Shell, page: str) -> None:
    if page == "README.md":  # its tour begins in the folder of the clone
        shell.folder = ROOT
    commands = 0
    for language, text in BLOCK.findall((ROOT / page).read_text()):
        if language == "python":
            _write_file(text, shell.folder)
            continue
        for command, shown in _commands(text):
            commands += 1
            _run_and_compare(shell, command, shown)
    assert commands


def _write_file(text: str, folder: Path) -> None:
    """Write a block that names its file in its first line; other blocks are excerpts."""
    if named := re.match(r"# (\w+\.py)\n", text):
        (folder / named[1]).write_text(text)


def _commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a block with the lines that it is shown to print."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *shown = part.splitlines()
        yield command, shown


def _run_and_compare(shell: Shell, command: str, shown: list[str]) -> None:
    expected = _normalized(shown)
    fails = any(line.startswith("error: ") for line in shown)
    printed: list[str] = []

    def matches() -> bool:
        printed[:] = shell.run(command, may_fail=fails).splitlines()
        return not expected or _agree(_normalized(printed), expected)

    if READING.search(command):  # what is shown comes, though maybe not at once
        eventually(matches, timeout_seconds=30)
    else:
        assert matches(), "\n".join([f"$ {command}", *printed, "is shown as:", *shown])


def _agree(printed: list[str], expected: list[str]) -> bool:
    """Compare as sorted lines, up to a line `…`, which stands for the rest."""
    if "…" in expected:
        end = expected.index("…")
        return printed[:end] == expected[:end]
    return sorted(printed) == sorted(expected)


def _normalized(lines: list[str]) -> list[str]:
    """Replace what differs from run to run; leave progress lines and empty lines out."""
    kept = [line for line in lines if line.strip() and not PROGRESS.match(line)]
    for pattern, mark in MARKS:
        kept = [pattern.sub(mark, line) for line in kept]
    return [line.strip() for line in kept]


def test_a_wrong_line_is_noticed() -> None:
    shown = _normalized(["shop is commit f417606230ea", "started 2/2"])

    assert _agree(_normalized(["shop is commit 39dad7d9dad0", "started 1/1"]), shown)
    assert not _agree(_normalized(["shop is commit 39dad7d9dad0", "begun 1/1"]), shown)
    assert not _agree(_normalized(["shop is commit 39dad7d9dad0"]), shown)
