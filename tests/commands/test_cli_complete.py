from __future__ import annotations

from pathlib import Path

import pytest
from cli_runner import odbctl
from git_repos import GitRepoFactory
from stocked_home import stock

from odbctl.commands.completion.candidates import candidates, understand
from odbctl.paths import Home


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ([""], "command"),
        (["ser"], "command"),
        (["service", ""], "verb"),
        (["--home", "/x", "service", ""], "verb"),
        (["service", "start", ""], "service"),
        (["service", "start", "--count", "3", ""], "service"),
        (["service", "start", "--no-wait", ""], "service"),
        (["service", "deploy", "x", ""], "deploy_ref"),
        (["service", "create", "x", "--codebase", ""], "codebase"),
        (["service", "create", "x", "--class", "a"], "class"),
        (["logs", "x", "--instance", ""], "instance"),
        (["start", ""], "service"),
        (["start", "x", ""], "service"),
        (["deploy", "x", ""], "deploy_ref"),
        (["hook", "ls", "-o", ""], "output"),
        (["codebase", "rm", ""], "codebase"),
        (["ps", "-o", ""], "output"),
        (["codebase", "add", ""], "ref"),
        (["instance", "kill", ""], "instance"),
        (["host", "drain", ""], "host"),
        (["completion", ""], "shell"),
    ],
)
def test_the_last_word_is_understood(words: list[str], kind: str) -> None:
    asked = understand(words)
    assert asked is not None
    assert asked.kind == kind


@pytest.mark.parametrize(
    "words",
    [
        ["service", "start", "--"],
        ["service", "show", "x", ""],
        ["service", "start", "--count", ""],
        ["nonsense", "nonsense", ""],
        ["service", "nonsense", ""],
        ["service", "configure", "x", "--", ""],
    ],
)
def test_there_is_nothing_to_offer(words: list[str]) -> None:
    assert understand(words) is None


def test_names_come_from_the_database(home: Home) -> None:
    stock(home)
    assert candidates(["service", "start", "h"]) == [("hello", "stopped")]
    assert [name for name, _ in candidates(["codebase", "show", ""])] == ["app", "app@main"]
    assert [name for name, _ in candidates(["host", "show", ""])] == ["local"]


def test_refs_come_from_the_repository(
    git_repo: GitRepoFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = git_repo()
    repo.commit({"a": "1"})
    repo.git("tag", "v1")
    monkeypatch.chdir(repo.path)
    assert {name for name, _ in candidates(["codebase", "add", ""])} == {"HEAD", "main", "v1"}


def test_a_home_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    place = tmp_path / "none"
    ran = odbctl("__complete", "service", "start", "", env={"ODBCTL_HOME": str(place)})
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert not place.exists()


def test_a_broken_database_is_silent(home: Home) -> None:
    home.create()
    home.database.write_bytes(b"no database" * 100)
    ran = odbctl("__complete", "service", "start", "")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


@pytest.mark.parametrize("words", [[], ["\x00"], ["-"], ["service", "deploy", ""], ["--home"]])
def test_no_words_make_it_fail(words: list[str], home: Home) -> None:
    stock(home)
    candidates(words)
