"""What the documents show works: code runs, commands exist, links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from odbctl.commands.catalog import NOUNS, SHORTCUTS, TOP, all_commands, resolve
from odbctl.commands.parsing.app import build
from odbctl.commands.reference import PAGES
from odbctl.paths import Home

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*/README.md")]
)
WRITTEN = [path for path in DOCUMENTS if path.parent.name != "reference"]
KNOWN = {(noun, name) for noun, name, _ in all_commands()}
REGISTRIES = (
    "pypi" + ".org",
    "python" + "hosted",
    "npm" + "js",
    "crates" + ".io",
    "proxy" + ".golang",
)
PLACES = re.compile(r"(?<![\w.])/(work|root|tmp/smoke)(?![\w.])(/|\b)")
SOURCE_ENDS = frozenset(
    {".md", ".py", ".sh", ".toml", ".yml", ".yaml", ".svg", ".json", ".cfg", ".fish", ".bash", ""}
)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _blocks(path: Path, language: str) -> list[str]:
    fence = re.compile(rf"^```{language}\n(.*?)^```", re.DOTALL | re.MULTILINE)
    found: list[str] = fence.findall(path.read_text())
    return found


def _commands(path: Path) -> Iterator[list[str]]:
    """Yield the words of each odbctl command that a document shows, without `odbctl` itself."""
    for block in _blocks(path, "console"):
        for line in block.splitlines():
            words = shlex.split(line.removeprefix("$ ")) if line.startswith("$ ") else []
            if "odbctl" in words:
                yield words[words.index("odbctl") + 1 :]


COMMANDS = [(_name(path), words) for path in WRITTEN for words in _commands(path)]


@pytest.mark.parametrize(
    ("where", "words"), COMMANDS, ids=[f"{where}-{i}" for i, (where, _) in enumerate(COMMANDS)]
)
def test_the_commands_that_documents_show_exist(where: str, words: list[str]) -> None:
    if words[0] in SHORTCUTS:
        words = ["service", SHORTCUTS[words[0]], *words[1:]]
    if words[0] not in NOUNS and words[0] not in TOP:
        assert words[0].startswith("-"), f"{where}: odbctl {' '.join(words)}"
        return
    is_noun = words[0] in NOUNS
    noun, name = (words[0], resolve(*words[:2]) or "") if is_noun else (None, words[0])
    assert (noun, name) in KNOWN, f"{where}: odbctl {' '.join(words)}"
    own = words[: words.index("--")] if "--" in words else words
    given = {word.partition("=")[0] for word in own if word.startswith("-")}
    assert given <= _options(noun, name) | {"-h", "--help"}, f"{where}: odbctl {' '.join(words)}"


def _options(noun: str | None, name: str) -> set[str]:
    parameters = build(noun, name).params
    return {word for each in parameters for word in (*each.opts, *each.secondary_opts)}


@pytest.mark.parametrize("path", [p for p in WRITTEN if _blocks(p, "python")], ids=_name)
def test_the_python_of_a_document_runs(path: Path, home: Home, tmp_path: Path) -> None:
    script = tmp_path / "page.py"
    script.write_text(_as_one_file(path, tmp_path))
    home.create()
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def _as_one_file(path: Path, folder: Path) -> str:
    """Join the blocks of a page; one that begins with `# name.py` is that file, too."""
    blocks = _blocks(path, "python")
    for block in blocks:
        if named := re.match(r"# (\w+\.py)\n", block):
            (folder / named[1]).write_text(block)
    named_ones = [Path(m[1]).stem for b in blocks if (m := re.match(r"# (\w+\.py)\n", b))]
    rest = [block for block in blocks if not re.match(r"# \w+\.py\n", block)]
    return "\n".join([*(f"import {name}" for name in named_ones), *rest])


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_current(name: str) -> None:
    page = ROOT / "docs" / "reference" / name
    assert page.read_text() == PAGES[name](), (
        f"make it again: python -m odbctl.commands.reference {_name(page)}"
    )


def test_nothing_names_a_registry_or_a_place_of_one_machine() -> None:
    found = [
        f"{_name(path)}:{number}: {line.strip()[:80]}"
        for path in _tracked()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if PLACES.search(line) or any(each in line for each in REGISTRIES)
    ]
    assert not found


def _tracked() -> list[Path]:
    """Return the text files of the repository, or of what was unpacked without one."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    names = listed or [_name(p) for f in ("odbctl", "docs", "tests") for p in (ROOT / f).rglob("*")]
    paths = [ROOT / name for name in names if "__pycache__" not in name]
    return [p for p in paths if p.suffix in SOURCE_ENDS and p.is_file() and p != Path(__file__)]
