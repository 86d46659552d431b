"""Where a home is: what `ODBCTL_HOME` or the platform says."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest

from odbctl.errors import NotPermittedError
from odbctl.paths import HOME_VARIABLE, LONGEST_RUN_PATH_BYTES, Home


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"XDG_DATA_HOME": "/x/data", "XDG_CACHE_HOME": "/x/cache", "XDG_STATE_HOME": "/x/state"},
        {"XDG_DATA_HOME": "", "XDG_STATE_HOME": "  "},
    ],
)
def test_the_default_home_is_where_platformdirs_says(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    home = Home.default()
    assert home.data == platformdirs.user_data_path("odbctl")
    assert home.cache == platformdirs.user_cache_path("odbctl")
    assert home.state == platformdirs.user_state_path("odbctl")


def test_the_variable_puts_everything_below_one_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    home = Home.default()
    for path in (home.database, home.logs, home.checkouts, home.mirrors, home.storage):
        assert path.is_relative_to(tmp_path)


def test_a_long_home_has_its_sockets_elsewhere() -> None:
    home = Home.at("/" + "x" * 200)
    assert len(os.fsencode(home.run)) <= LONGEST_RUN_PATH_BYTES
    assert home.run != Home.at("/" + "y" * 200).run


def test_a_home_below_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(NotPermittedError, match="cannot write to the home"):
        Home.at(file / "home").create()


def test_folders_are_for_the_owner_only(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "h")
    home.create()
    assert home.run.stat().st_mode & 0o077 == 0
    assert home.data.stat().st_mode & 0o077 == 0
