from __future__ import annotations

from pathlib import Path

import pytest

from odbctl.commands.parsing.environment_options import read_environment
from odbctl.errors import UsageError


def test_words_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# settings\nexport A=1\nB='two words'\n\nC=a=b\n")
    found = read_environment(["A=3"], str(file))
    assert found == {"A": "3", "B": "two words", "C": "a=b"}


def test_a_wrong_line_is_named_without_its_value(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("A=1\nMY KEY=secret\n")
    with pytest.raises(UsageError, match="env:2") as caught:
        read_environment((), str(file))
    assert "secret" not in caught.value.message


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_environment((), str(tmp_path / "none"))
