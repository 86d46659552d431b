from __future__ import annotations

import os
from pathlib import Path

import pytest
from git_repos import GitRepo, GitRepoFactory

from odbctl.engine.codebases.checkout import check_out, prune, remove_checkout
from odbctl.engine.codebases.repository import Mirror
from odbctl.errors import UsageError
from odbctl.paths import Home


@pytest.fixture
def repo(git_repo: GitRepoFactory) -> GitRepo:
    made = git_repo()
    made.commit({"deep/a.py": "1"})
    return made


def add(home: Home, repo: GitRepo) -> Path:
    mirror = Mirror(home, str(repo.path))
    return check_out(home, mirror, mirror.resolve("HEAD").commit)


def test_removes_a_checkout(home: Home, repo: GitRepo) -> None:
    tree = add(home, repo)
    remove_checkout(home, tree)
    assert not tree.parent.exists()
    remove_checkout(home, tree)
    assert add(home, repo) == tree
    assert (tree / "deep" / "a.py").read_text() == "1"


@pytest.mark.parametrize("path", ["x", "checkouts", "checkouts/key", "checkouts/key/main", "/"])
def test_removes_nothing_else(home: Home, path: str) -> None:
    with pytest.raises(UsageError):
        remove_checkout(home, home.cache / path)


def test_prunes_what_nobody_keeps(home: Home, repo: GitRepo, git_repo: GitRepoFactory) -> None:
    idle = git_repo("idle")
    idle.commit({"a": ""})
    idle_tree = add(home, idle)
    old = add(home, repo)
    repo.commit({"b.py": "2"})
    kept = add(home, repo)
    result = prune(home, [kept])
    assert set(result.checkouts) == {old, idle_tree}
    assert result.mirrors == (Mirror(home, str(idle.path)).path,)
    assert result.freed_bytes > 0
    assert str(result).startswith("removed 2 checkouts, 1 mirror, ")
    assert os.listdir(kept.parent) == [kept.name]
    assert not idle_tree.parent.exists()
    assert str(prune(home, [kept])) == "nothing to remove"


def test_prunes_what_was_killed_half_way(home: Home, repo: GitRepo) -> None:
    kept = add(home, repo)
    mirror = Mirror(home, str(repo.path))
    half = kept.with_name(".new-" + "0" * 40)
    (half / "sub").mkdir(parents=True)
    (half / "sub").chmod(0o555)
    index = kept.with_name(".new-x.index")
    index.touch()
    (home.mirrors / f".new-{mirror.key}").mkdir()
    (home.mirrors / ".gone-x").mkdir()
    result = prune(home, [kept])
    assert set(result.leftovers) == {half, index}
    assert len(result.mirrors) == 2
    assert os.listdir(kept.parent) == [kept.name]
    assert mirror.path.is_dir()


def test_prunes_an_empty_home(home: Home) -> None:
    assert str(prune(home, [])) == "nothing to remove"


def test_a_pruned_commit_can_be_added_again(home: Home, repo: GitRepo) -> None:
    tree = add(home, repo)
    prune(home, [])
    assert add(home, repo) == tree
