"""Words that cannot be right: what is told, with which hint, and that nothing changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import Ran, odbctl, succeed
from git_repos import GitRepo, GitRepoFactory

from odbctl.engine.api import codebases, status
from odbctl.engine.api.engine import Engine
from odbctl.paths import Home

IDLE = "from odbctl import ServiceBase\n\n\nclass Svc(ServiceBase):\n    pass\n"
MODULES = {
    "svc.py": IDLE,
    "noisy.py": 'print("a word at import")\n' + IDLE,
    "leaves.py": "import sys\nsys.exit(3)\n" + IDLE,
    "gone.py": "import os\nos._exit(3)\n" + IDLE,
    "broken.py": "def (\n",
    "needs.py": "import nothing_of_that_name\n" + IDLE,
}

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def repo(git_repo: GitRepoFactory) -> GitRepo:
    made = git_repo("app")
    made.commit(MODULES)
    made.git("branch", "feature")
    return made


@pytest.fixture
def added(repo: GitRepo) -> GitRepo:
    with Engine.open() as engine:
        codebases.add_codebase(engine, "main", repo=str(repo.path))
    return repo


def names() -> list[str]:
    """Return the names of all codebases and services that there are."""
    with Engine.open() as engine:
        found = [codebase["name"] for codebase in codebases.list_codebases(engine)]
        return found + [service["name"] for service in status.list_services(engine)]


def assert_told(ran: Ran, code: int, *texts: str) -> None:
    assert ran.code == code, ran
    assert all(text in ran.err for text in texts), ran
    assert "unexpected" not in ran.err, ran
    assert "Traceback" not in ran.err, ran
    assert ran.out == "", ran


@pytest.mark.parametrize(
    ("words", "code", "texts"),
    [
        (("featur",), 4, ("no git ref 'featur'", "did you mean feature?")),
        (("HEAD~9",), 4, ("no git ref",)),
        (("main", "--repo", "https://127.0.0.1:1/x.git"), 1, ("cannot fetch", "git ls-remote")),
        (("main", "--repo", "ssh://me@127.0.0.1:1/x.git"), 1, ("cannot fetch", "git ls-remote")),
        (("main", "--repo=--upload-pack=x"), 2, ("looks like an option",)),
        (("main", "--repo", "ext::sh -c true"), 2, ("transport 'ext' is not allowed",)),
        (("main", "--name", "a/b"), 2, ("not a valid codebase name",)),
        (("main", "--name", "a\x1b[31m"), 2, ("not a valid codebase name",)),
        (("main", "--name", "a" * 64), 2, ("at most 63",)),
        (("main", "--source-root", "../"), 2, ("not a folder inside",)),
        (("main", "--python", "/nonsense"), 2, ("no interpreter '/nonsense'",)),
        (("main", "--python", "/bin/true"), 2, ("not a Python interpreter",)),
    ],
)
def test_a_codebase_that_cannot_be_is_told_and_not_added(
    repo: GitRepo, words: tuple[str, ...], code: int, texts: tuple[str, ...]
) -> None:
    assert_told(odbctl("codebase", "add", *words, cwd=repo.path), code, *texts)
    assert names() == []


def test_no_repository_here_is_told(tmp_path: Path) -> None:
    ran = odbctl("codebase", "add", "main", cwd=tmp_path)
    assert_told(ran, 1, "no git repository here", "--repo")


def test_an_empty_repository_is_told(git_repo: GitRepoFactory) -> None:
    ran = odbctl("codebase", "add", "main", cwd=git_repo("empty").path)
    assert_told(ran, 1, "is empty", "commit something")


def test_a_dirty_tree_is_a_note(repo: GitRepo) -> None:
    repo.write({"svc.py": "never seen"})
    ran = succeed("codebase", "add", "main", cwd=repo.path)
    assert "1 changed file is not in commit" in ran.err
    succeed("service", "create", "a", "--class", "svc:Svc", "--codebase", "app")


def in_a_removed_folder(folder: Path, *words: str) -> Ran:
    folder.mkdir()
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    command = ["sh", "-c", script, "sh", str(folder), sys.executable, "-m", "odbctl", *words]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return Ran(subprocess.run(command, env=env, capture_output=True, text=True, check=False))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere such a folder cannot be removed")
def test_a_current_folder_that_is_gone_is_told_where_it_matters(tmp_path: Path) -> None:
    ran = in_a_removed_folder(tmp_path / "gone", "codebase", "add", "main")
    assert_told(ran, 2, "the current folder has been removed", "change to an existing folder")
    assert in_a_removed_folder(tmp_path / "gone", "config", "path").code == 0
    assert in_a_removed_folder(tmp_path / "gone", "ps").code == 0


def test_no_git_is_told(repo: GitRepo, tmp_path: Path) -> None:
    ran = odbctl("codebase", "add", "main", cwd=repo.path, env={"PATH": str(tmp_path)})
    assert_told(ran, 1, "git is not installed", "install git")


@pytest.mark.parametrize(
    ("spec", "code", "texts"),
    [
        ("svc:Svcs", 1, ("Svcs", "did you mean svc:Svc")),
        ("svcs:Svc", 1, ("No module named 'svcs'", "did you mean", "svc:Svc")),
        ("svc", 2, ("not module:Class",)),
        ("leaves:Svc", 1, ("SystemExit: 3",)),
        ("gone:Svc", 1, ("exit code 3",)),
        ("broken:Svc", 1, ("SyntaxError",)),
        ("needs:Svc", 1, ("No module named 'nothing_of_that_name'",)),
    ],
)
def test_a_class_that_cannot_be_is_told_and_nothing_created(
    added: GitRepo, spec: str, code: int, texts: tuple[str, ...]
) -> None:
    del added
    ran = odbctl("service", "create", "a", "--class", spec, "--codebase", "app")
    assert_told(ran, code, *texts)
    assert names() == ["app"]


def test_what_a_class_prints_at_import_stays_out_of_the_answer(added: GitRepo) -> None:
    del added
    words = ("service", "create", "a", "--class", "noisy:Svc", "--codebase", "app")
    assert succeed(*words, "-o", "json").json["name"] == "a"


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--codebase", "nowhere"), 4, "no codebase 'nowhere'"),
        (("--codebase", "app@other"), 4, "did you mean app@main?"),
        (("--codebase", "app", "--count", "9" * 20), 2, "from 0 to 10000"),
        (("--codebase", "app", "--cores", "nan"), 2, "cores"),
        (("--codebase", "app", "--cores", "-1"), 2, "cores"),
        (("--codebase", "app", "--placement", "a b"), 2, "placement group"),
        (("--codebase", "app", "--env-file", "/nonsense"), 2, "/nonsense"),
    ],
)
def test_options_that_cannot_be_are_told(
    added: GitRepo, words: tuple[str, ...], code: int, text: str
) -> None:
    del added
    assert_told(odbctl("service", "create", "a", "--class", "svc:Svc", *words), code, text)


def test_a_codebase_in_use_is_not_removed(added: GitRepo) -> None:
    del added
    succeed("service", "create", "a", "--class", "svc:Svc", "--codebase", "app")
    assert_told(odbctl("codebase", "remove", "app", "--yes"), 7, "is used by a")
    succeed("service", "remove", "a", "--yes")
    succeed("codebase", "remove", "app", "--yes")


def test_a_damaged_database_is_told(home: Home) -> None:
    home.create()
    home.database.write_bytes(b"no database at all" * 1000)
    assert_told(odbctl("ps"), 1, "damaged or not a database", "restore it")
    assert_told(odbctl("service", "scale", "a", "2"), 1, "damaged or not a database")


def test_a_home_may_have_spaces_and_any_letters_and_be_long(repo: GitRepo, tmp_path: Path) -> None:
    env = {"ODBCTL_HOME": str(tmp_path / ("wörds and spaces " * 10))}
    words = ("service", "create", "a", "--class", "svc:Svc", "--codebase", "app")
    assert odbctl("codebase", "add", "main", cwd=repo.path, env=env).code == 0
    assert odbctl(*words, env=env).code == 0
    try:
        started = odbctl("service", "start", "a", env=env)
        assert started.code == 0, started
    finally:
        assert odbctl("manager", "stop", "--with-services", env=env).code == 0
