"""Pictures of a screen: SVG, text, and PNG where something makes one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from odbctl.errors import OdbctlError, UsageError
from odbctl.tui.picture import check_picture, svg_text, without_fonts, write_picture

SVG = (
    "<svg><style>@font-face { src: url('https://example.org/x') }\n.r1 { }</style>"
    '<text class="a-r1" x="0" y="20" textLength="24.4" clip-path="url(#a-line-0)">ab</text>'
    '<text class="a-r1" x="48.8" y="20" textLength="12" clip-path="url(#a-line-0)">'
    "&lt;&#160;c</text>"
    '<text class="a-r2" x="12.2" y="70" textLength="12" clip-path="url(#a-line-2)">z</text></svg>'
)


def converter(folder: Path, script: str) -> None:
    path = folder / "rsvg-convert"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_text_is_what_the_picture_says() -> None:
    assert svg_text(SVG) == "ab  < c\n\n z\n"
    assert svg_text("<svg></svg>") == ""


def test_fonts_from_elsewhere_are_left_out() -> None:
    assert "example.org" not in without_fonts(SVG)
    assert ".r1" in without_fonts(SVG)


@pytest.mark.parametrize(("name", "text"), [("a.svg", "<svg>"), ("a.txt", "ab  < c\n")])
def test_a_picture_is_written_by_its_ending(name: str, text: str, tmp_path: Path) -> None:
    write_picture(SVG, tmp_path / name)
    assert (tmp_path / name).read_text().startswith(text)


@pytest.mark.parametrize("name", ["a.gif", "a", ".svg.bak"])
def test_other_endings_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="unknown picture format"):
        check_picture(Path(name))


def test_a_png_without_a_converter_says_what_to_do() -> None:
    with pytest.raises(UsageError) as caught:
        check_picture(Path("a.png"), find=lambda _name: None)
    assert "rsvg-convert" in (caught.value.hint or "")
    assert ".svg" in (caught.value.hint or "")


def test_a_png_is_made_by_the_converter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    converter(tmp_path, 'cp "$3" "$2"')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    check_picture(tmp_path / "a.png")
    write_picture(SVG, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_text() == without_fonts(SVG)
    assert sorted(os.listdir(tmp_path)) == ["a.png", "rsvg-convert"]


def test_a_converter_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    converter(tmp_path, "echo no fonts >&2; exit 3")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(OdbctlError, match=r"rsvg-convert could not make .*: no fonts"):
        write_picture(SVG, tmp_path / "a.png")
    assert os.listdir(tmp_path) == ["rsvg-convert"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OdbctlError, match="cannot write"):
        write_picture(SVG, tmp_path / "nowhere" / "a.svg")
