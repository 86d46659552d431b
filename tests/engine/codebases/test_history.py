from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from git_repos import GitRepo, GitRepoFactory
from waiting import eventually

from odbctl.engine.codebases.git_command import run_git, stoppable
from odbctl.engine.codebases.history import Relation, compare, find_commit, list_refs
from odbctl.engine.codebases.mirror import Mirror
from odbctl.errors import CodebaseError, NotFoundError, UsageError
from odbctl.paths import Home


@pytest.fixture
def repo(git_repo: GitRepoFactory) -> GitRepo:
    return git_repo("app")


def mirror_of(home: Home, repo: GitRepo) -> Mirror:
    return Mirror(home, str(repo.path))


def test_refs_are_listed_with_what_they_lead_to(home: Home, repo: GitRepo) -> None:
    first = repo.commit({"a": "1"}, "First")
    repo.git("tag", "--annotate", "v1", "--message=The first release")
    repo.git("branch", "feature/x")
    second = repo.commit({"a": "2"}, "Second \x1b[31m[bold]")
    found = {ref.name: ref for ref in list_refs(mirror_of(home, repo))}
    assert set(found) == {"main", "feature/x", "v1"}
    assert (found["main"].commit, found["main"].kind) == (second, "branch")
    assert found["main"].subject == "Second \x1b[31m[bold]"
    assert (found["v1"].commit, found["v1"].kind) == (first, "tag")
    assert not home.mirrors.exists()


def test_an_empty_repository_has_no_refs(home: Home, repo: GitRepo) -> None:
    assert list_refs(mirror_of(home, repo)) == ()


def test_a_folder_without_a_repository_is_told(home: Home, repo: GitRepo) -> None:
    with pytest.raises(CodebaseError, match="no such folder"):
        list_refs(Mirror(home, f"{repo.path}/nowhere"))


@pytest.mark.parametrize(
    ("old", "new", "relation", "coming", "going"),
    [
        ("main~2", "main", Relation.AHEAD, ["Third", "Second"], []),
        ("main", "main~2", Relation.BEHIND, [], ["Third", "Second"]),
        ("main", "main", Relation.SAME, [], []),
        ("side", "main", Relation.DIVERGED, ["Third", "Second"], ["Aside"]),
    ],
)
def test_two_commits_are_compared(
    old: str,
    new: str,
    relation: str,
    coming: list[str],
    going: list[str],
    home: Home,
    repo: GitRepo,
) -> None:
    for number, subject in enumerate(("First", "Second", "Third")):
        repo.commit({"a": str(number)}, subject)
    repo.git("switch", "--quiet", "--create", "side", "main~2")
    repo.commit({"b": "1"}, "Aside")
    hashes = [repo.git("rev-parse", name) for name in (old, new)]
    found = compare(mirror_of(home, repo), *hashes, limit=50)
    assert found.relation is Relation(relation)
    assert [commit.subject for commit in found.coming] == coming
    assert [commit.subject for commit in found.going] == going


def test_all_commits_are_counted_and_some_listed(home: Home, repo: GitRepo) -> None:
    old = repo.commit({}, "0")
    for number in range(1, 6):
        repo.commit({}, str(number))
    found = compare(mirror_of(home, repo), old, repo.head(), limit=2)
    assert found.coming_count == 5
    assert [commit.subject for commit in found.coming] == ["5", "4"]


def test_a_commit_that_is_gone_is_not_compared(home: Home, repo: GitRepo) -> None:
    new = repo.commit({"a": "1"})
    assert compare(mirror_of(home, repo), "1" * 40, new, limit=5).relation is Relation.UNKNOWN


def test_a_commit_is_found_without_being_kept(home: Home, repo: GitRepo) -> None:
    commit = repo.commit({"a": "1"}, "Only one")
    found = find_commit(mirror_of(home, repo), "main")
    assert (found.commit, found.subject, found.kind) == (commit, "Only one", "branch")
    assert not home.mirrors.exists()


@pytest.mark.parametrize(("ref", "error"), [("nope", NotFoundError), ("--help", UsageError)])
def test_what_is_no_ref_is_refused(
    ref: str, error: type[Exception], home: Home, repo: GitRepo
) -> None:
    repo.commit({"a": "1"})
    with pytest.raises(error):
        find_commit(mirror_of(home, repo), ref)


def ignore(_piece: bytes) -> None:
    pass


@pytest.mark.parametrize("on_talk", [None, ignore])
def test_a_git_that_says_nothing_is_stopped(
    on_talk: Callable[[bytes], None] | None, repo: GitRepo
) -> None:
    repo.commit({"a": "1"})
    fifo = repo.path / "fifo"
    repo.git("config", "alias.hang", f"!echo $$ > {fifo}; exec sleep 60")
    asked = threading.Event()
    caught: list[CodebaseError] = []

    def work() -> None:
        try:
            with stoppable(asked.is_set):
                run_git("-C", str(repo.path), "hang", on_talk=on_talk)
        except CodebaseError as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    eventually(fifo.exists)
    asked.set()
    thread.join(10)
    assert "stopped" in str(caught[0])
