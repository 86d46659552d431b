"""`odbctl hook edit` and `host edit`: with scripts in place of an editor."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_runner import Ran, odbctl
from stocked_home import stock

from odbctl.engine.api.editable_settings import (
    EditableSettings,
    read_hook_edits,
    read_host_edits,
    settings_text,
)
from odbctl.engine.api.hooks import HookChanges
from odbctl.engine.api.hosts import HostChanges
from odbctl.errors import UsageError
from odbctl.paths import Home

HOOK = EditableSettings(
    title="Hook mail",
    settings={
        "command": "mail me",
        "url": "",
        "service": "",
        "reason": [],
        "level": "info",
        "debounce": "10s",
        "timeout": "10s",
    },
)
HOST = EditableSettings(
    title="Host local",
    settings={"placement": "local", "cores": 4.0, "ram-gb": 8.0, "max-instances": "none"},
)


@pytest.fixture
def edit(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an editor that runs the sed script in EDIT, with a host and hooks in the home."""
    stock(home)
    odbctl("hook", "add", "mail", "--reason", "crashed", "--", "mail", "me@example.org")
    odbctl("hook", "add", "chat", "--url", "https://example.org/x?token=s3cr3t")
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\ncp "$1" "$COPY"; sed -i "$EDIT" "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(script))
    monkeypatch.setenv("COPY", str(tmp_path / "copy"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("VISUAL", raising=False)
    return tmp_path / "copy"


def run(noun: str, name: str, script: str) -> Ran:
    return odbctl(noun, "edit", name, env={"EDIT": script})


def test_an_edited_hook_is_changed(edit: Path) -> None:
    ran = run("hook", "mail", 's/^debounce.*/debounce = "5m"/; s/me@/you@/')
    assert ran.out == (
        "set hook mail: command: mail me@example.org -> mail you@example.org; debounce: 10s -> 5m\n"
    ), ran
    assert '# Minimum time between two calls for the same object (10s)\ndebounce = "10s"' in (
        edit.read_text()
    )
    assert 'reason = ["crashed"]' in edit.read_text()
    found = odbctl("hook", "show", "mail", "--json").json
    assert (found["command"], found["debounce_seconds"]) == (["mail", "you@example.org"], 300.0)


def test_secrets_of_a_hook_are_not_shown_and_stay(edit: Path) -> None:
    assert run("hook", "chat", "s/^timeout.*/timeout = 3/").code == 0
    text = edit.read_text()
    assert "s3cr3t" not in text
    assert "# url: secret, not shown" in text
    assert odbctl("hook", "show", "chat", "--json").json["timeout_seconds"] == 3.0
    assert odbctl("hook", "set", "chat", "--url", "https://example.org/x?token=s3cr3t").out == (
        "unchanged: hook chat already has these settings\n"
    )


def test_an_edited_host_is_changed(edit: Path) -> None:
    odbctl("host", "set", "local", "--cores", "4")
    ran = run("host", "local", "s/^cores.*/cores = 2/; s/^max-instances.*/max-instances = 20/")
    assert ran.out == "set host local: cores: 4 -> 2; max instances: none -> 20\n", ran
    assert "# Maximum number of instances" in edit.read_text()


@pytest.mark.parametrize(("noun", "name"), [("hook", "mail"), ("host", "local")])
def test_a_text_that_was_not_edited_changes_nothing(noun: str, name: str, edit: Path) -> None:
    assert run(noun, name, "").out == f"unchanged: {noun} {name} already has these settings\n"
    assert edit.exists()


@pytest.mark.parametrize(("noun", "name"), [("hook", "mail"), ("host", "local")])
def test_a_refused_text_is_kept(noun: str, name: str, edit: Path) -> None:
    ran = run(noun, name, "$ a more = 1")
    assert ran.code == 2
    assert "no setting 'more'" in ran.err
    assert "the text is kept in" in ran.err
    assert odbctl(noun, "edit", "nobody").code == 4
    del edit


def test_what_was_edited_is_read() -> None:
    text = settings_text(HOOK, {})
    assert read_hook_edits(HOOK, text) == HookChanges()
    edited = text.replace("reason = []", 'reason = ["crashed"]').replace('"10s"', "5", 1)
    assert read_hook_edits(HOOK, edited) == HookChanges(reasons=("crashed",), debounce_seconds=5.0)
    text = settings_text(HOST, {})
    assert read_host_edits(HOST, text) == HostChanges()
    edited = text.replace("4.0", "2").replace('"none"', "3")
    assert read_host_edits(HOST, edited) == HostChanges(cores=2.0, max_instances=3)


@pytest.mark.parametrize(
    "line", ["cores = -1", "cores = nan", "ram-gb = true", "max-instances = 1.5", "placement = []"]
)
def test_a_wrong_value_of_a_host_is_refused(line: str) -> None:
    with pytest.raises(UsageError):
        read_host_edits(HOST, line)


@pytest.mark.parametrize(
    "line", ['command = "\\""', 'debounce = "soon"', "reason = [1]", "level = true", "x = 1", "x"]
)
def test_a_wrong_value_of_a_hook_is_refused(line: str) -> None:
    with pytest.raises(UsageError):
        read_hook_edits(HOOK, line)
