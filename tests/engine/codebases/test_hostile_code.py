"""Code written to keep the search for service classes busy for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from odbctl.engine.codebases import class_index, source_files
from odbctl.engine.codebases.discovery import Scan, scan_services
from odbctl.errors import CodebaseError

SERVICE = "from odbctl import ServiceBase\nclass Good(ServiceBase): ...\n"


def scan(folder: Path, files: dict[str, str]) -> Scan:
    """Write the files, and one good service beside them, and search them."""
    for name, text in {"good.py": SERVICE, **files}.items():
        (folder / name).write_text(text)
    return scan_services(folder)


def found(scanned: Scan) -> list[str]:
    return [service.spec for service in scanned.services]


def test_star_imports_in_a_circle(tmp_path: Path) -> None:
    count = 40
    names = [f"m{number}" for number in range(count)]
    stars = "".join(f"from {name} import *\n" for name in names)
    bases = "".join(
        f"class C{number}(Unknown{number}): ...  # ServiceBase\n" for number in range(50)
    )
    scanned = scan(tmp_path, {f"{name}.py": stars + bases for name in names})
    assert found(scanned) == ["good:Good"]


def test_star_imports_in_a_circle_reach_the_base(tmp_path: Path) -> None:
    files = {f"m{number}.py": f"from m{(number + 1) % 20} import *\n" for number in range(20)}
    files["m7.py"] += SERVICE.replace("Good", "Seven")
    files["m0.py"] += "class Zero(Seven): ...\n"
    for number in range(20):
        files[f"m{number}.py"] += "# ServiceBase\n"
    assert found(scan(tmp_path, files)) == ["good:Good", "m0:Zero", "m7:Seven"]


@pytest.mark.parametrize(
    "code",
    [
        "A = A.b\nclass C(A): ...\n",
        "A = B.x\nB = A.y\nclass C(A): ...\n",
        "".join(f"A{n} = A{n + 1}.x\nA{n} = A{n + 1}.y\n" for n in range(60))
        + "class C(A0): ...\n",
    ],
    ids=["own attribute", "each other's attributes", "doubling"],
)
def test_aliases_without_end(tmp_path: Path, code: str) -> None:
    assert found(scan(tmp_path, {"hostile.py": f"# ServiceBase\n{code}"})) == ["good:Good"]


def test_a_long_chain_of_aliases_is_followed(tmp_path: Path) -> None:
    chain = "".join(f"A{n} = A{n + 1}\n" for n in range(5000))
    code = f"from odbctl import ServiceBase as A5000\n{chain}class C(A0): ...\n"
    assert found(scan(tmp_path, {"chain.py": code})) == ["chain:C", "good:Good"]


def test_many_names_that_lead_to_the_base(tmp_path: Path) -> None:
    names = "".join(f"Name{n} = ServiceBase\n" for n in range(20_000))
    files = {"names.py": f"from odbctl import ServiceBase\n{names}"}
    for number in range(20):
        files[f"text{number}.py"] = "x = 'Nam Name Name_ Named'\n" * 2000
    files["user.py"] = "from names import Name19999\nclass C(Name19999): ...\n"
    assert found(scan(tmp_path, files)) == ["good:Good", "user:C"]


def test_the_search_ends_at_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_index, "MOST_STEPS", 1000)
    stars = "".join(f"from m{number} import *\n" for number in range(50))
    files = {f"m{n}.py": f"# ServiceBase\n{stars}class C(B{n}): ...\n" for n in range(50)}
    skipped = scan(tmp_path, files).skipped
    assert "too complex" in skipped[0].reason


def test_code_beyond_the_bound_is_not_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(class_index, "MOST_PARSED_BYTES", len(SERVICE))
    scanned = scan(tmp_path, {"other.py": SERVICE})
    assert (found(scanned), [file.path for file in scanned.skipped]) == (
        ["good:Good"],
        ["other.py"],
    )


def test_too_much_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "MOST_SOURCE_BYTES", 1000)
    with pytest.raises(CodebaseError, match="Python files") as caught:
        scan(tmp_path, {"big.py": "#" * 1000})
    assert "--source-root" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "code",
    [
        "x = " + "(" * 5000,
        "x = " + "-" * 100_000 + "1",
        "x = " + "a." * 50_000 + "b",
        "if 1: ...\n" + "elif 1: ...\n" * 20_000,
        "x = " + "1 + " * 50_000 + "1",
        "# -*- coding: rot13 -*-",
        "# -*- coding: zlib -*-",
        "# -*- coding: undefined -*-",
        "# -*- coding: \u00fc -*-",
    ],
)
def test_code_that_breaks_the_parser_is_skipped(tmp_path: Path, code: str) -> None:
    scanned = scan(tmp_path, {"deep.py": f"{code}\n# ServiceBase\n"})
    assert found(scanned) == ["good:Good"]


def test_a_long_docstring_is_cut(tmp_path: Path) -> None:
    code = f"from odbctl import ServiceBase\nclass C(ServiceBase):\n    '{'x' * 100_000}'\n"
    service = next(s for s in scan(tmp_path, {"doc.py": code}).services if s.class_name == "C")
    assert len(service.doc) == 500
