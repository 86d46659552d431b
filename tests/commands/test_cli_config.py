from __future__ import annotations

from pathlib import Path

import pytest

from odbctl.config import load_settings
from odbctl.errors import UsageError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "odbctl.toml").write_text('[settings]\noutput = "wide"\ntimeout_seconds = 30\n')
    return folder


@pytest.fixture
def user_home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "config.toml").write_text('[settings]\noutput = "yaml"\ncolor = "never"\n')
    return folder


def test_a_flag_wins_over_environment_project_user_and_default(
    project: Path, user_home: Path
) -> None:
    environ = {"ODBCTL_HOME": str(user_home)}
    inside = str(project)
    assert load_settings({}, environ, None)["output"] == "yaml"
    assert load_settings({}, environ, inside)["output"] == "wide"
    environ["ODBCTL_OUTPUT"] = "name"
    assert load_settings({}, environ, inside)["output"] == "name"
    assert load_settings({"output": "json"}, environ, inside)["output"] == "json"
    assert load_settings({}, environ, inside)["color"] == "never"
    assert load_settings({}, environ, inside)["manager_strategy"] == "subprocess"


def test_every_setting_says_where_it_comes_from(project: Path, user_home: Path) -> None:
    settings = load_settings({"color": "always"}, {"ODBCTL_HOME": str(user_home)}, str(project))
    origins = {setting.name: setting.origin for setting in settings.all()}
    assert origins["home"] == "ODBCTL_HOME"
    assert origins["color"] == "--color"
    assert origins["output"] == str(project / "odbctl.toml")
    assert origins["start_method"] == "default"


def test_the_project_file_of_a_folder_above_counts(project: Path, tmp_path: Path) -> None:
    deep = project / "a" / "b"
    deep.mkdir(parents=True)
    settings = load_settings({}, {"ODBCTL_HOME": str(tmp_path / "none")}, str(deep))
    assert settings.timeout_seconds == 30.0


@pytest.mark.parametrize("name", ["home", "manager_strategy", "start_method"])
def test_a_project_file_cannot_say_where_things_are_or_what_runs(
    name: str, project: Path, tmp_path: Path
) -> None:
    (project / "odbctl.toml").write_text(f'[settings]\n{name} = "evil"\n')
    with pytest.raises(UsageError, match=f"cannot set '{name}'"):
        load_settings({}, {"ODBCTL_HOME": str(tmp_path / "none")}, str(project))


@pytest.mark.parametrize(
    "text", ["[settings", 'settings = "x"', '[settings]\ncolor = "red"', '[settings]\nhue = "red"']
)
def test_a_wrong_file_is_named(text: str, project: Path, tmp_path: Path) -> None:
    (project / "odbctl.toml").write_text(text)
    with pytest.raises(UsageError, match=r"odbctl\.toml"):
        load_settings({}, {"ODBCTL_HOME": str(tmp_path / "none")}, str(project))


@pytest.mark.parametrize("text", ["soon", "-1", "inf", "nan"])
def test_a_timeout_is_a_number_of_seconds(text: str, tmp_path: Path) -> None:
    environ = {"ODBCTL_HOME": str(tmp_path), "ODBCTL_TIMEOUT_SECONDS": text}
    with pytest.raises(UsageError, match="ODBCTL_TIMEOUT_SECONDS"):
        load_settings({}, environ, None)
