"""The TOML text of a service, and what an edited one changes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from stocked_home import stock

from odbctl.engine.api.editing import (
    EditableService,
    Edits,
    editable_text,
    read_editable,
    read_edits,
)
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import find_service
from odbctl.engine.api.settings import ServiceSettings, set_service
from odbctl.errors import UsageError
from odbctl.paths import Home

UNCHANGED = Edits(settings=ServiceSettings())


@pytest.fixture
def engine(home: Home) -> Iterator[Engine]:
    stock(home)
    with Engine.open(home) as engine:
        yield engine


def configured(engine: Engine, **values: str | float | None) -> EditableService:
    """Return the service with these configuration values and a secret variable."""
    with engine.db.transaction():
        release = find_service("hello").release
        assert release is not None
        release.config = dict(values)
        release.env = {"MODE": "hidden-value"}
    return read_editable(engine, "hello")


def edited(service: EditableService, old: str, new: str) -> Edits:
    text = editable_text(service, {})
    assert text.count(old) == 1
    return read_edits(service, text.replace(old, new))


def test_settings_are_written_as_people_type_them(engine: Engine) -> None:
    wanted = ServiceSettings(
        readiness="http:8080/ready",
        stop_grace_seconds=300,
        memory_limit="512M",
        log_quota="1000001",
        move_after="never",
        schedule="*/5 * * * *",
        restart="never",
    )
    set_service(engine, "hello", wanted)
    document = tomllib.loads(editable_text(read_editable(engine, "hello"), {}))
    assert document["readiness"] == "http:8080/ready"
    assert document["liveness"] == "none"
    assert document["stop-grace"] == "5m"
    assert document["memory-limit"] == "512M"
    assert document["log-quota"] == "1000001"
    assert document["move-after"] == "never"
    assert document["schedule"] == "*/5 * * * *"


def test_a_text_that_was_not_edited_changes_nothing(engine: Engine) -> None:
    odd: dict[str, str | float | None] = {
        "a b": 'q"\\\n\x7f\u2028',
        "ü": "é",
        "n": -0.5,
        "e": 1e16,
        "none": None,
    }
    service = configured(engine, **odd)
    assert read_edits(service, editable_text(service, {"port": "its comment"})) == UNCHANGED


def test_every_setting_that_is_written_can_be_set_again(engine: Engine) -> None:
    service = read_editable(engine, "hello")
    blank = EditableService(
        name="hello",
        settings={
            key: "?" if isinstance(value, str) else value for key, value in service.settings.items()
        },
        config={},
        hidden=(),
        env_names=(),
    )
    edits = read_edits(blank, editable_text(service, {}))
    assert edits.settings.stop_signal == "SIGTERM"
    assert set_service(engine, "hello", edits.settings).action == "unchanged"


def test_only_what_differs_is_changed(engine: Engine) -> None:
    service = configured(engine, city="Bonn", count=3)
    assert edited(service, 'stop-grace = "10s"', "stop-grace = 90") == Edits(
        settings=ServiceSettings(stop_grace_seconds=90)
    )
    assert edited(service, "singleton = false", "singleton = true") == Edits(
        settings=ServiceSettings(singleton=True)
    )
    assert edited(service, "depends-on = []", 'depends-on = ["db"]') == Edits(
        settings=ServiceSettings(depends_on=["db"])
    )
    assert edited(service, 'stop-grace = "10s"\n', "") == UNCHANGED


def test_configuration_is_set_and_unset(engine: Engine) -> None:
    service = configured(engine, city="Bonn", count=3)
    edits = edited(service, 'city = "Bonn"\n', "is_open = true\n")
    assert (edits.words, edits.unset) == (("is_open=true",), ("city",))
    assert edited(service, "count = 3", "count = 4").words == ("count=4",)


def test_secret_values_are_not_written_and_stay_set(engine: Engine) -> None:
    service = configured(engine, city="Bonn", api_token="s3cret-1", dsn2="http://u:s3cret-2@h/")
    text = editable_text(service, {})
    assert "s3cret" not in text
    assert "hidden-value" not in text
    assert "not shown: api_token, dsn2" in text
    assert "not shown: MODE" in text
    assert read_edits(service, text) == UNCHANGED
    words = edited(service, "[config]\n", '[config]\napi_token = "new"\n').words
    assert words == ("api_token=new",)


def test_a_new_probe_gets_the_times_in_the_text(engine: Engine) -> None:
    set_service(engine, "hello", ServiceSettings(readiness="tcp:80", probe_period_seconds=2))
    service = read_editable(engine, "hello")
    settings = edited(service, 'liveness = "none"', 'liveness = "health"').settings
    assert (settings.liveness, settings.probe_period_seconds) == ("health", 2.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("singleton = false", "singleton = maybe", "not valid TOML"),
        ("singleton = false", 'singleton = "yes"', "singleton must be true or false"),
        ('stop-grace = "10s"', "stop-grace = true", "stop-grace must be a string"),
        ('stop-grace = "10s"', 'stop-grace = "soon"', "'soon' is not a duration"),
        ("cores = 0.0", 'cores = "many"', "cores must be a number"),
        ("probe-failures = 3", "probe-failures = 0", "probe-failures must be a whole number"),
        ("depends-on = []", "depends-on = [1]", "depends-on must be a list of names"),
        ('stop-grace = "10s"', 'stop_grace = "10s"', "no setting 'stop_grace'"),
        ("[config]", "[configuration]", "no setting 'configuration'"),
        ("[config]", "[config]\na = [1]", "'a' must be a string, a number or a boolean"),
        ("[config]", '[config]\n"a=b" = 1', "'a=b' is not a name"),
    ],
)
def test_a_wrong_text_is_refused(engine: Engine, old: str, new: str, message: str) -> None:
    service = read_editable(engine, "hello")
    with pytest.raises(UsageError, match=message):
        edited(service, old, new)
