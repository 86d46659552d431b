"""Secrets in texts, documents and command lines are masked, wherever they stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runner import odbctl
from stocked_home import stock

from odbctl.commands.output.failures import tell_unforeseen, write_report
from odbctl.commands.parsing.environment_options import read_environment
from odbctl.engine.api import status
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.hooks import HookChanges, HookOptions, add_hook, set_hook
from odbctl.engine.codebases.locations import normalise_location
from odbctl.engine.model.core import Release
from odbctl.engine.model.events import record_event
from odbctl.errors import UsageError
from odbctl.masking import MASK, mask_text, mask_words
from odbctl.paths import Home

SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"https://ann:{SECRET}@host/x",
        f"https://ann:{SECRET}@bad host/x",
        f"cannot reach https://ann:{SECRET}@host/x: 403",
        f"ann:{SECRET}@host:path",
        f"https://host/x?private_token={SECRET}",
        f"https://host/x#{SECRET}",
        f"https://glpat-{SECRET}@host/x",
        f"https://{SECRET * 3}@host/x",
        f"curl -H 'Authorization: Bearer {SECRET}' host",
        f"proxy-authorization: {SECRET}",
        f"X-Api-Key:{SECRET}",
        f"PRIVATE-TOKEN: {SECRET}",
    ],
)
def test_texts_lose_their_secrets(text: str) -> None:
    assert SECRET not in mask_text(text)
    assert MASK in mask_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "git@example.org:team/app.git",
        "ssh://git@example.org/app.git",
        "https://example.org/a@b",
        "at 12:30 by ann@laptop",
        "no authorization for ann",
        "cookie: ''",
        "main",
    ],
)
def test_texts_without_secrets_stay_as_they_are(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    ("words", "masked"),
    [
        (["--env", f"MODE={SECRET}"], ["--env", f"MODE={MASK}"]),
        ([f"--env=MODE={SECRET}"], [f"--env=MODE={MASK}"]),
        (["configure", f"db_password={SECRET}"], ["configure", f"db_password={MASK}"]),
        ([f"--config=db_password={SECRET}"], [f"--config=db_password={MASK}"]),
        (["--config=size=3"], ["--config=size=3"]),
        ([f"DB_PASS={SECRET}"], [f"DB_PASS={MASK}"]),
        ([f"signing-key={SECRET}"], [f"signing-key={MASK}"]),
        (["compass=north", "partition_key=id"], ["compass=north", "partition_key=id"]),
        (["--api-key", SECRET, "x"], ["--api-key", MASK, "x"]),
        (["--repo", f"https://a:{SECRET}@h/x"], ["--repo", f"https://a:{MASK}@h/x"]),
        (["service", "start", "x=y", "--count", "3"], ["service", "start", "x=y", "--count", "3"]),
        (["--header-file", "token"], ["--header-file", "token"]),
    ],
)
def test_command_lines_lose_their_secrets(words: list[str], masked: list[str]) -> None:
    found, secrets = mask_words(words)
    assert found == masked
    assert bool(secrets) == (MASK in " ".join(masked))


def test_a_crash_report_has_no_secrets(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.create()
    words = ["service", "create", "x", "--env", f"KEY={SECRET}", "--repo", f"https://a:{SECRET}@h"]
    monkeypatch.setattr("sys.argv", ["odbctl", *words])
    try:
        raise RuntimeError(f"cannot use {SECRET}")
    except RuntimeError as error:
        place = write_report(error, home)
    assert place is not None
    text = Path(place).read_text("utf-8")
    assert SECRET not in text
    assert f"--env KEY={MASK}" in text
    assert "RuntimeError: cannot use" in text


def test_an_unforeseen_error_is_told_without_secrets(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.create()
    monkeypatch.setattr("sys.argv", ["odbctl", "service", "create", "--env", f"KEY={SECRET}"])
    tell_unforeseen(RuntimeError(f"odd {SECRET}"), home, is_json=False)
    assert f"unexpected RuntimeError: odd {MASK}" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["table", "wide", "json", "yaml"])
def test_the_database_commands_mask_variables_and_headers(home: Home, output: str) -> None:
    stock(home)
    with Engine.open(home) as engine:
        options = HookOptions(url="https://host/x", headers={"Authorization": SECRET})
        add_hook(engine, "pager", options)

        def set_env() -> int:
            release = next(iter(Release.lookup_all()))
            release.env = {"API_URL": SECRET}
            release.config = {"password": SECRET, "greeting": "hello"}
            return release.oid

        oid = engine.db.run(set_env)
    for words in (
        ("db", "list", "core.Release"),
        ("db", "show", "core.Release", str(oid)),
        ("db", "list", "core.Hook"),
        ("db", "show", "core.Hook", "pager"),
        ("service", "show", "hello"),
    ):
        ran = odbctl(*words, "-o", output)
        assert (ran.code, SECRET in ran.out) == (0, False), ran
    shown = odbctl("db", "show", "core.Release", str(oid), "-o", "json").json["fields"]
    assert shown["env"] == {"API_URL": MASK}
    assert shown["config"] == {"password": MASK, "greeting": "hello"}


def test_hooks_and_their_events_show_no_secrets(home: Home) -> None:
    with Engine(home) as engine:
        words = ("curl", "-H", f"Authorization: Bearer {SECRET}", f"http://ann:{SECRET}@host/")
        added = add_hook(engine, "mail", HookOptions(command=words))
        same = set_hook(engine, "mail", HookChanges(command=words))
        changed = set_hook(engine, "mail", HookChanges(command=(*words[:-1], "http://ann:x@host/")))
        events = status.list_events(engine)
        shown = json.dumps([added.document, added.message, changed.document, *events])
        assert (same.action, changed.action) == ("unchanged", "set")
        assert "http://ann:********@host/" in shown
        assert SECRET not in shown


def test_events_which_hooks_send_to_others_have_no_passwords(home: Home) -> None:
    with Engine(home) as engine:
        reason = f"svc-1 crashed: OperationalError: cannot reach postgres://ann:{SECRET}@db/x"
        engine.db.run(lambda: record_event("instance/svc-1", "crashed", reason, actor="test"))
        (event,) = status.list_events(engine)
    assert event["message"].endswith("cannot reach postgres://ann:********@db/x")


def test_an_error_about_a_secret_field_does_not_repeat_it(home: Home) -> None:
    stock(home)
    with Engine.open(home) as engine:

        def set_env() -> None:
            wrong: Any = {"A": [SECRET]}
            next(iter(Release.lookup_all())).env = wrong

        with pytest.raises(TypeError) as caught:
            engine.db.run(set_env)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        f"https://ann:{SECRET}@host/x",
        f"https://ann%3A{SECRET}@host/x",
        f"https://glpat-{SECRET}@host/x",
        f"https://github_pat_{SECRET}@host/x",
        f"https://host/x?private_token={SECRET}",
        f"https://host/x#{SECRET}",
        f"ssh://git:{SECRET}@host/x",
        f"https://ann:{SECRET}@ho st/x",
        f"https://ann:{SECRET}@[host/x",
        f"https://ann:{SECRET}@h\u2100st/x",
        f"file://ann:{SECRET}@host/x",
        f"ext::https://ann:{SECRET}@host",
        f"ftp://ann:{SECRET}@host/x",
        f"https://ann:{SECRET}@host/\n",
    ],
)
def test_addresses_with_secrets_are_refused_without_repeating_them(
    address: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        normalise_location(address, base=tmp_path)
    assert SECRET not in caught.value.message + (caught.value.hint or "")


def test_git_prints_no_credentials_that_a_setting_adds() -> None:
    from odbctl.engine.codebases.git_command import GitResult

    talk = f"fatal: unable to access 'https://ann:{SECRET}@host/x/': refused\n"
    reason = GitResult(exit_code=128, output=b"", talk=talk).reason
    assert reason == f"unable to access 'https://ann:{MASK}@host/x/': refused"


@pytest.mark.parametrize("line", [SECRET, f"{SECRET} = x", f"export {SECRET}", f"{SECRET}!=x"])
def test_a_malformed_line_of_variables_is_not_repeated(line: str, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(f"A=1\n{line}\n")
    with pytest.raises(UsageError) as caught:
        read_environment((), str(file))
    assert SECRET not in caught.value.message
    assert f"{file}:2" in caught.value.message
    with pytest.raises(UsageError) as caught:
        read_environment((line,), None)
    assert SECRET not in caught.value.message
