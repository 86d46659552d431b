"""Loading a service class: from its own codebase, with near names for a slip."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from odbctl.engine.worker.loading import (
    ClassNotFoundError,
    NotAServiceError,
    forget_other_codebases,
    load_service_class,
    use_codebase,
)

HELLO = """
from odbctl import ServiceBase

class HelloWorld(ServiceBase):
    def do_work(self, should_stop):
        should_stop.wait()

class Goodbye(HelloWorld):
    pass

class Outer:
    class Inner(HelloWorld):
        pass

class Plain:
    pass

a_function = print
a_number = 1
"""


@pytest.fixture(autouse=True)
def imports() -> Iterator[None]:
    """Leave no trace of what a test imported."""
    path, modules = sys.path[:], set(sys.modules)
    prefix, writes_none = sys.pycache_prefix, sys.dont_write_bytecode
    yield
    sys.path[:] = path
    sys.pycache_prefix, sys.dont_write_bytecode = prefix, writes_none
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def checkouts(tmp_path: Path) -> Path:
    return tmp_path / "checkouts"


def write(root: Path, files: dict[str, str]) -> str:
    """Write the files of a codebase and return its root."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return str(root)


@pytest.fixture
def hello(checkouts: Path) -> str:
    root = write(checkouts / "one", {"hello_services/deep/hello.py": HELLO})
    use_codebase([root], pycache=None)
    return "hello_services.deep.hello"


class TestLoad:
    @pytest.mark.parametrize("name", ["HelloWorld", "Goodbye", "Outer.Inner"])
    def test_finds_a_class_in_a_nested_module(self, hello: str, name: str) -> None:
        assert load_service_class(hello, name).__qualname__ == name

    def test_names_the_nearest_class_first(self, hello: str) -> None:
        with pytest.raises(ClassNotFoundError, match="no class 'HelloWrold'") as caught:
            load_service_class(hello, "HelloWrold")
        assert caught.value.near == ("HelloWorld", "Goodbye")

    @pytest.mark.parametrize("name", ["Outer.Missing", "Missing.Inner", ""])
    def test_misses_what_is_not_there(self, hello: str, name: str) -> None:
        with pytest.raises(ClassNotFoundError):
            load_service_class(hello, name)

    @pytest.mark.parametrize("name", ["Plain", "a_function", "a_number", "Outer"])
    def test_refuses_what_is_no_service(self, hello: str, name: str) -> None:
        with pytest.raises(NotAServiceError, match=f"{hello}:{name} does not derive"):
            load_service_class(hello, name)

    def test_lets_the_module_s_own_error_through(self, checkouts: Path) -> None:
        broken = {"broken_service.py": "import json\nraise ZeroDivisionError('at import')\n"}
        use_codebase([write(checkouts / "one", broken)], pycache=None)
        with pytest.raises(ZeroDivisionError, match="at import"):
            load_service_class("broken_service", "Any")

    def test_says_that_a_module_is_missing(self) -> None:
        with pytest.raises(ModuleNotFoundError, match="no_such_service"):
            load_service_class("no_such_service", "Any")


class TestCodebase:
    def test_comes_before_everything_else(self, checkouts: Path) -> None:
        first, second = str(checkouts / "one/src"), str(checkouts / "one")
        use_codebase([first, second], pycache=None)
        assert sys.path[:2] == [first, second]

    def test_is_put_on_the_path_once(self, checkouts: Path) -> None:
        root = str(checkouts / "one")
        use_codebase([root], pycache=None)
        use_codebase([root], pycache=None)
        assert sys.path.count(root) == 1

    def test_gets_no_byte_code_into_its_tree(self, checkouts: Path, tmp_path: Path) -> None:
        root = write(checkouts / "one", {"clean_service.py": HELLO})
        use_codebase([root], pycache=str(tmp_path / "pycache"))
        load_service_class("clean_service", "HelloWorld")
        assert [p.name for p in Path(root).iterdir()] == ["clean_service.py"]

    @pytest.mark.parametrize(
        "module", ["twin_service", "twin_package.service", "twin_space.service"]
    )
    def test_names_mean_its_own_modules(self, checkouts: Path, module: str) -> None:
        for version in ("one", "two"):
            text = f"{HELLO}\nversion = {version!r}\n"
            files = {
                "twin_service.py": text,
                "twin_package/__init__.py": "",
                "twin_package/service.py": text,
                "twin_space/service.py": text,
            }
            root = write(checkouts / version, files)
            forget_other_codebases([root], str(checkouts))
            use_codebase([root], pycache=None)
            load_service_class(module, "HelloWorld")
            assert sys.modules[module].__dict__["version"] == version

    def test_keeps_its_own_modules_and_those_of_the_library(self, checkouts: Path) -> None:
        root = write(checkouts / "one", {"kept_service.py": HELLO})
        use_codebase([root], pycache=None)
        load_service_class("kept_service", "HelloWorld")
        before = dict(sys.modules)
        forget_other_codebases([root], str(checkouts))
        assert sys.modules == before
        assert root in sys.path

    def test_a_codebase_whose_name_begins_alike_is_another_one(self, checkouts: Path) -> None:
        longer = write(checkouts / "one-more", {"alike_service.py": HELLO})
        use_codebase([longer], pycache=None)
        load_service_class("alike_service", "HelloWorld")
        forget_other_codebases([str(checkouts / "one")], str(checkouts))
        assert "alike_service" not in sys.modules
        assert longer not in sys.path
