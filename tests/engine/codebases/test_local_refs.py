"""Refs of a repository on this host, resolved where they stand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from git_repos import GitRepo, GitRepoFactory

from odbctl.engine.codebases.git_command import run_git
from odbctl.engine.codebases.repository import (
    Mirror,
    RefKind,
    dirty_note,
    find_repository,
    normalise_location,
)
from odbctl.errors import CodebaseError, NotFoundError, UsageError
from odbctl.paths import Home


@pytest.fixture
def repo(git_repo: GitRepoFactory) -> GitRepo:
    made = git_repo()
    for number in range(3):
        made.commit({"a.txt": str(number)}, f"commit {number}")
    return made


def mirror_of(home: Home, repo: GitRepo) -> Mirror:
    return Mirror(home, str(repo.path))


def has(mirror: Mirror, commit: str) -> bool:
    words = (f"--git-dir={mirror.path}", "cat-file", "-e", commit + "^{tree}")
    return run_git(*words).exit_code == 0


def test_resolves_a_branch(home: Home, repo: GitRepo) -> None:
    mirror = mirror_of(home, repo)
    found = mirror.resolve("main")
    assert (found.commit, found.kind, found.subject) == (repo.head(), RefKind.BRANCH, "commit 2")
    assert found.committed_at == float(repo.git("log", "-1", "--format=%ct"))
    assert has(mirror, found.commit)


@pytest.mark.parametrize(("ref", "subject"), [("HEAD~2", "commit 0"), ("main^", "commit 1")])
def test_resolves_expressions(home: Home, repo: GitRepo, ref: str, subject: str) -> None:
    found = mirror_of(home, repo).resolve(ref)
    assert (found.subject, found.kind) == (subject, RefKind.COMMIT)


def test_resolves_short_and_full_hashes(home: Home, repo: GitRepo) -> None:
    mirror = mirror_of(home, repo)
    assert mirror.resolve(repo.head()[:8]).commit == repo.head()
    assert mirror.resolve(repo.head()).kind is RefKind.COMMIT


@pytest.mark.parametrize("options", [(), ("--annotate", "--message=it is done")])
def test_resolves_tags_to_their_commit(home: Home, repo: GitRepo, options: tuple[str, ...]) -> None:
    repo.git("tag", *options, "v1", "HEAD~1")
    found = mirror_of(home, repo).resolve("v1")
    assert (found.commit, found.kind) == (repo.git("rev-parse", "HEAD~1"), RefKind.TAG)


def test_resolves_remote_branches_of_a_clone(home: Home, repo: GitRepo, tmp_path: Path) -> None:
    run_git("clone", "--quiet", str(repo.path), str(tmp_path / "clone"))
    clone = GitRepo(tmp_path / "clone")
    clone.commit({"b.txt": "b"}, "mine")
    found = mirror_of(home, clone).resolve("origin/main")
    assert (found.commit, found.kind) == (repo.head(), RefKind.REMOTE_BRANCH)


def test_resolves_a_commit_that_no_branch_reaches(home: Home, repo: GitRepo) -> None:
    lost = repo.commit({"a.txt": "lost"}, "lost")
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    mirror = mirror_of(home, repo)
    assert mirror.resolve(lost).subject == "lost"
    assert has(mirror, lost)


def test_resolves_a_detached_head(home: Home, repo: GitRepo) -> None:
    repo.git("checkout", "--quiet", "--detach", "HEAD~1")
    found = mirror_of(home, repo).resolve("HEAD")
    assert (found.subject, found.kind) == ("commit 1", RefKind.COMMIT)


def test_resolves_in_a_bare_repository(home: Home, repo: GitRepo, tmp_path: Path) -> None:
    bare = str(tmp_path / "bare.git")
    run_git("clone", "--quiet", "--bare", str(repo.path), bare)
    location = normalise_location(f"file://{bare}", base=tmp_path)
    assert Mirror(home, location).resolve("main").commit == repo.head()
    assert find_repository(Path(bare) / "refs") == bare


def test_resolves_in_a_shallow_clone(home: Home, repo: GitRepo, tmp_path: Path) -> None:
    run_git("clone", "--quiet", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
    mirror = Mirror(home, str(tmp_path / "shallow"))
    assert mirror.resolve("HEAD").commit == repo.head()
    assert has(mirror, repo.head())


def test_resolves_in_a_linked_work_tree(home: Home, repo: GitRepo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"), "HEAD~1")
    location = find_repository(tmp_path / "other")
    assert Mirror(home, location).resolve("HEAD").subject == "commit 1"


def test_follows_a_moved_branch(home: Home, repo: GitRepo) -> None:
    mirror = mirror_of(home, repo)
    first = mirror.resolve("main").commit
    second = repo.commit({"a.txt": "moved"}, "moved")
    assert mirror.resolve("main").commit == second
    assert has(mirror, first)


def test_a_known_hash_needs_no_repository(home: Home, repo: GitRepo) -> None:
    commit = mirror_of(home, repo).resolve("main").commit
    os.rename(repo.path, repo.path.with_name("elsewhere"))
    assert mirror_of(home, repo).resolve(commit).subject == "commit 2"


def test_is_not_led_astray_by_a_hook_s_environment(
    home: Home, repo: GitRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = repo.head()
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, "/nonexistent")
    assert mirror_of(home, repo).resolve("main").commit == head


def test_tells_near_names_of_an_unknown_ref(home: Home, repo: GitRepo) -> None:
    repo.git("branch", "feature/login")
    with pytest.raises(NotFoundError) as caught:
        mirror_of(home, repo).resolve("feature/logn")
    assert caught.value.near == ("feature/login",)


def test_tells_an_ambiguous_short_hash(home: Home, repo: GitRepo) -> None:
    # Of so many commits some share their first four digits.
    who = "committer Ann <ann@example.org> 1700000000 +0000"
    commits = [f"commit refs/heads/many\n{who}\ndata 4\n{number:04}\n" for number in range(1500)]
    run_git("-C", str(repo.path), "fast-import", "--quiet", stdin="".join(commits).encode())
    shorts = [name[:4] for name in repo.git("rev-list", "many").split()]
    twice = next(short for short in shorts if shorts.count(short) > 1)
    with pytest.raises(CodebaseError, match="ambiguous"):
        mirror_of(home, repo).resolve(twice)


def test_refuses_an_unknown_hash(home: Home, repo: GitRepo) -> None:
    with pytest.raises(NotFoundError):
        mirror_of(home, repo).resolve("0" * 39 + "1")


def test_refuses_options(home: Home, repo: GitRepo) -> None:
    with pytest.raises(UsageError):
        mirror_of(home, repo).resolve("--upload-pack=touch x")


def test_refuses_a_file_s_hash(home: Home, repo: GitRepo) -> None:
    with pytest.raises(NotFoundError):
        mirror_of(home, repo).resolve(repo.git("rev-parse", "HEAD:a.txt"))


def test_tells_that_a_repository_is_empty(home: Home, git_repo: GitRepoFactory) -> None:
    with pytest.raises(CodebaseError, match="is empty"):
        mirror_of(home, git_repo()).resolve("main")


def test_tells_that_there_is_no_repository(home: Home, tmp_path: Path) -> None:
    with pytest.raises(CodebaseError, match="no such folder"):
        Mirror(home, str(tmp_path / "nothing")).resolve("main")
    with pytest.raises(CodebaseError, match="no repository at"):
        Mirror(home, str(tmp_path)).resolve("main")
    (tmp_path / "file").write_text("")
    with pytest.raises(CodebaseError, match="not a folder"):
        Mirror(home, str(tmp_path / "file")).resolve("main")


def test_does_not_take_the_repository_around_a_folder(home: Home, repo: GitRepo) -> None:
    (repo.path / "sub").mkdir()
    with pytest.raises(CodebaseError, match="inside a repository") as caught:
        Mirror(home, str(repo.path / "sub")).resolve("main")
    assert caught.value.hint == f"--repo {repo.path}"


def test_tells_that_a_repository_belongs_to_somebody_else(home: Home, repo: GitRepo) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    for place in (repo.path, repo.path / ".git"):
        os.chown(place, 12345, 12345)
    with pytest.raises(CodebaseError, match="belongs to user 12345") as caught:
        mirror_of(home, repo).resolve("main")
    assert "safe.directory" in (caught.value.hint or "")


def test_finds_the_repository_around_a_folder(repo: GitRepo, tmp_path: Path) -> None:
    (repo.path / "sub" / "deep").mkdir(parents=True)
    assert find_repository(repo.path / "sub" / "deep") == str(repo.path)
    assert find_repository(repo.path / ".git") == str(repo.path)
    with pytest.raises(CodebaseError, match="no git repository here"):
        find_repository(tmp_path)


def test_notes_what_the_commit_does_not_have(repo: GitRepo) -> None:
    location = str(repo.path)
    assert dirty_note(location) is None
    repo.write({"a.txt": "changed", "new file": ""})
    note = f"2 changed files are not in commit {repo.head()[:7]}: only the commit is used"
    assert dirty_note(location) == note
    assert dirty_note(location, repo.head()) == note
    assert dirty_note(location, "0" * 40) is None


def test_notes_nothing_without_a_work_tree(repo: GitRepo, tmp_path: Path) -> None:
    bare = str(tmp_path / "bare.git")
    run_git("clone", "--quiet", "--bare", str(repo.path), bare)
    assert dirty_note(bare) is None
    assert dirty_note("ssh://host/x") is None
