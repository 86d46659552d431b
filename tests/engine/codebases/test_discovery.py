"""Services are found by parsing; every tree here would raise if it were imported."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from odbctl.engine.codebases.discovery import (
    find_services,
    near_services,
    scan_services,
    source_roots,
)
from odbctl.errors import UsageError

BOOM = "raise RuntimeError('imported')\n"


def write(tree: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    return tree


def specs(tree: Path, source_root: str | None = None) -> list[str]:
    return [found.spec for found in find_services(tree, source_root=source_root)]


def test_finds_a_class_with_its_place_and_doc(tmp_path: Path) -> None:
    text = BOOM + "from odbctl import ServiceBase\n\nclass Hello(ServiceBase):\n"
    text += '    """Say hello.\n\n    More.\n    """\n'
    write(tmp_path, {"pkg/inner/service.py": text})
    (found,) = find_services(tmp_path)
    assert found.spec == "pkg.inner.service:Hello"
    assert (found.path, found.line, found.doc) == ("pkg/inner/service.py", 4, "Say hello.")
    assert "pkg" not in sys.modules


@pytest.mark.parametrize(
    "text",
    [
        "from odbctl import ServiceBase\nclass A(ServiceBase): ...",
        "from odbctl import ServiceBase as SB\nclass A(SB): ...",
        "import odbctl\nclass A(odbctl.ServiceBase): ...",
        "import odbctl as o\nclass A(o.ServiceBase): ...",
        "from odbctl import *\nclass A(ServiceBase): ...",
        "import odbctl.engine.worker.service_base\n"
        "class A(odbctl.engine.worker.service_base.ServiceBase): ...",
        "from odbctl.engine.worker.service_base import ServiceBase\nclass A(ServiceBase): ...",
        "from odbctl import ServiceBase\nclass A(Mixin, ServiceBase[int], metaclass=M): ...",
        "from odbctl import ServiceBase\nBase = ServiceBase\nclass A(Base): ...",
        "import odbctl\nBase: type = odbctl.ServiceBase\nclass A(Base): ...",
        "try:\n    from odbctl import ServiceBase\nexcept ImportError:\n    ServiceBase = object\n"
        "class A(ServiceBase): ...",
        "from odbctl import ServiceBase\nif True:\n    class A(ServiceBase): ...",
    ],
)
def test_follows_every_way_to_name_the_base(tmp_path: Path, text: str) -> None:
    assert specs(write(tmp_path, {"m.py": text})) == ["m:A"]


@pytest.mark.parametrize(
    "text",
    [
        "class ServiceBase: ...\nclass A(ServiceBase): ...",
        "from other import ServiceBase\nclass A(ServiceBase): ...",
        "from odbctl import Schema\nclass A(Schema): ...  # ServiceBase",
        "from odbctl import ServiceBase\ndef f():\n    class A(ServiceBase): ...",
        "from odbctl import ServiceBase\nclass A(make(ServiceBase)): ...",
        "class ServiceBase(ServiceBase): ...",
    ],
)
def test_takes_nothing_else_for_a_service(tmp_path: Path, text: str) -> None:
    assert specs(write(tmp_path, {"m.py": text})) == []


def test_follows_classes_over_modules(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "framework/__init__.py": "from .base import Root as Base\nfrom .more import *\n",
            "framework/base.py": "import odbctl\nclass Root(odbctl.ServiceBase): ...",
            "framework/more.py": "from . import base\nclass Extra(base.Root): ...",
            "app/one.py": "from framework import Base\nclass One(Base): ...",
            "app/two.py": "import framework as f\nclass Two(f.Base): ...",
            "app/deep/three.py": "from ..one import One as O\nclass Three(O): ...",
            "app/four.py": "import framework.more\nclass Four(framework.more.Extra): ...",
            "app/five.py": "from framework import Extra\nclass Five(Extra): ...",
            "app/six.py": "from app import one\nclass Six(one.One): ...",
        },
    )
    assert specs(tmp_path) == [
        "app.deep.three:Three",
        "app.five:Five",
        "app.four:Four",
        "app.one:One",
        "app.six:Six",
        "app.two:Two",
        "framework.base:Root",
        "framework.more:Extra",
    ]


def test_finds_classes_inside_of_classes(tmp_path: Path) -> None:
    text = "from odbctl import ServiceBase\nclass Outer:\n    class Inner(ServiceBase): ...\n"
    write(tmp_path, {"m.py": text, "n.py": "from m import Outer\nclass B(Outer.Inner): ..."})
    assert specs(tmp_path) == ["m:Outer.Inner", "n:B"]


def test_survives_circles(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.py": "from b import B, ServiceBase\nclass A(B): ...",
            "b.py": "from a import A, ServiceBase\nclass B(A): ...",
            "c.py": "from odbctl import ServiceBase\nfrom c import *\nclass C(ServiceBase): ...",
        },
    )
    assert specs(tmp_path) == ["c:C"]


SERVICE = "from odbctl import ServiceBase\nclass S(ServiceBase): ..."


def test_names_modules_from_the_root_and_from_src(tmp_path: Path) -> None:
    write(tmp_path, {"src/pkg/m.py": SERVICE, "tools/t.py": SERVICE, "tests/x.py": SERVICE})
    assert source_roots(tmp_path) == (tmp_path, tmp_path / "src")
    assert specs(tmp_path) == ["pkg.m:S", "tests.x:S", "tools.t:S"]


def test_src_may_be_a_package(tmp_path: Path) -> None:
    write(tmp_path, {"src/__init__.py": "", "src/m.py": SERVICE})
    assert source_roots(tmp_path) == (tmp_path,)
    assert specs(tmp_path) == ["src.m:S"]


def test_a_source_root_is_the_only_one(tmp_path: Path) -> None:
    write(tmp_path, {"python/lib/m.py": SERVICE, "m.py": SERVICE})
    assert source_roots(tmp_path, "python/") == (tmp_path / "python",)
    (found,) = find_services(tmp_path, source_root="python")
    assert (found.spec, found.path) == ("lib.m:S", "python/lib/m.py")


@pytest.mark.parametrize("root", ["", "/etc", "..", "a/../../b", "nothing", "m.py"])
def test_refuses_a_source_root_that_is_not_inside(tmp_path: Path, root: str) -> None:
    write(tmp_path, {"m.py": SERVICE, "a/m.py": ""})
    with pytest.raises(UsageError):
        source_roots(tmp_path, root)


def test_skips_what_is_no_code_of_the_codebase(tmp_path: Path) -> None:
    places = [".hidden", "node_modules", "__pycache__", "env/lib", "not-a-package"]
    write(tmp_path, {f"{place}/m.py": SERVICE for place in places})
    write(tmp_path, {"env/pyvenv.cfg": "", "not-a-module.py": SERVICE, "m.pyc": SERVICE})
    assert specs(tmp_path) == []


def test_tells_which_files_it_could_not_parse(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "broken.py": "from odbctl import ServiceBase\nclass A(ServiceBase:\n",
            "zero.py": "ServiceBase\0",
            "odd.py": "from odbctl import ServiceBase\nx = '\\d'\nclass S(ServiceBase): ...",
            "other.py": "print 'python 2'",
        },
    )
    scan = scan_services(tmp_path)
    assert [found.spec for found in scan.services] == ["odd:S"]
    assert [skipped.path for skipped in scan.skipped] == ["broken.py", "zero.py"]
    assert scan.skipped[0].reason.startswith("line 2: ")


def test_tells_near_names(tmp_path: Path) -> None:
    text = SERVICE.replace("class S", "class HelloService")
    found = find_services(write(tmp_path, {"pkg/service.py": text, "other/m.py": SERVICE}))
    assert near_services(found, "pkg.service:HeloService") == ("pkg.service:HelloService",)
    assert near_services(found, "wrong:helloservice") == ("pkg.service:HelloService",)
    assert near_services(found, "nothing:Alike") == ()
