"""Refs of a repository on another host, reached through ssh: a program that stays here."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_repos import GitRepo, GitRepoFactory

from odbctl.engine.codebases.git_command import run_git
from odbctl.engine.codebases.progress import progress_listener
from odbctl.engine.codebases.repository import Mirror, RefKind
from odbctl.errors import CodebaseError, NotFoundError
from odbctl.paths import Home

# The last word that ssh gets is the command for the other host.
SSH = '#!/bin/sh\nprintf "%s\\n" "$*" >> "$0.log"\nfor last; do :; done\nexec sh -c "$last"\n'


@pytest.fixture
def ssh_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "fake_ssh"
    program.write_text(SSH)
    program.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    return tmp_path / "fake_ssh.log"


@pytest.fixture
def repo(git_repo: GitRepoFactory) -> GitRepo:
    made = git_repo()
    for number in range(3):
        made.commit({"a.txt": str(number)}, f"commit {number}")
    made.git("tag", "--annotate", "--message=done", "v1", "HEAD~1")
    return made


def remote_of(home: Home, repo: GitRepo) -> Mirror:
    return Mirror(home, f"ann@host.example:{repo.path}")


@pytest.mark.usefixtures("ssh_log")
@pytest.mark.parametrize(
    ("ref", "number", "kind"),
    [
        ("main", 2, RefKind.BRANCH),
        ("origin/main", 2, RefKind.REMOTE_BRANCH),
        ("main~2", 0, RefKind.COMMIT),
        ("v1", 1, RefKind.TAG),
        ("HEAD", 2, RefKind.BRANCH),
        ("HEAD~1", 1, RefKind.COMMIT),
        ("origin/HEAD", 2, RefKind.REMOTE_BRANCH),
    ],
)
def test_resolves(home: Home, repo: GitRepo, ref: str, number: int, kind: RefKind) -> None:
    found = remote_of(home, repo).resolve(ref)
    assert (found.subject, found.kind) == (f"commit {number}", kind)


@pytest.mark.usefixtures("ssh_log")
def test_knows_head_when_it_is_no_main(home: Home, repo: GitRepo) -> None:
    repo.git("checkout", "--quiet", "-b", "trunk")
    trunk = repo.commit({"a.txt": "trunk"}, "trunk")
    assert remote_of(home, repo).resolve("HEAD").commit == trunk


@pytest.mark.usefixtures("ssh_log")
def test_resolves_hashes(home: Home, repo: GitRepo) -> None:
    mirror = remote_of(home, repo)
    first = repo.git("rev-parse", "HEAD~2")
    assert mirror.resolve(first[:9]).commit == first
    assert mirror.resolve(first).commit == first


@pytest.mark.usefixtures("ssh_log")
def test_resolves_what_no_branch_reaches(home: Home, repo: GitRepo) -> None:
    lost = repo.commit({"a.txt": "lost"}, "lost")
    repo.git("update-ref", "refs/pull/7/head", lost)
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    assert remote_of(home, repo).resolve("refs/pull/7/head").commit == lost
    assert remote_of(home, repo).resolve(lost).subject == "lost"


@pytest.mark.usefixtures("ssh_log")
def test_follows_forced_and_renamed_branches(home: Home, repo: GitRepo) -> None:
    repo.git("branch", "topic")
    mirror = remote_of(home, repo)
    old = mirror.resolve("topic").commit
    repo.git("branch", "--delete", "--force", "topic")
    repo.git("branch", "topic/deeper", "HEAD~2")
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    assert mirror.resolve("topic/deeper").subject == "commit 0"
    assert mirror.resolve("main").subject == "commit 1"
    assert mirror.resolve(old).subject == "commit 2"
    with pytest.raises(NotFoundError):
        mirror.resolve("topic")


def test_a_known_hash_needs_no_network(home: Home, repo: GitRepo, ssh_log: Path) -> None:
    mirror = remote_of(home, repo)
    mirror.resolve("main")
    mirror.resolve("v1")
    ssh_log.unlink()
    assert mirror.resolve(repo.head()).subject == "commit 2"
    assert mirror.resolve(repo.git("rev-parse", "HEAD~2")).subject == "commit 0"
    assert not ssh_log.exists()


def test_ssh_asks_no_questions(home: Home, repo: GitRepo, ssh_log: Path) -> None:
    remote_of(home, repo).resolve("main")
    assert "BatchMode=yes" in ssh_log.read_text()


@pytest.mark.usefixtures("ssh_log")
def test_says_what_it_fetches(home: Home, repo: GitRepo) -> None:
    lines: list[str] = []
    mirror = remote_of(home, repo)
    mirror.resolve("main", progress=lines.append)
    assert lines[0] == f"fetching from {mirror.location}"


def test_reports_how_far_git_is() -> None:
    lines: list[str] = []
    listen = progress_listener(lines.append, patience_seconds=0)
    listen(b"remote: Counting objects: 50% (1/2)\rremote: Counting objects: 100% (2/2), done.\n")
    listen(b"Receiving objects:  25% (1/4), 10 KiB\rReceiving obj")
    listen(b"ects: 100% (4/4), done.\nsomething else\n")
    assert lines[0] == "counting objects 50%"
    assert lines[-2:] == ["receiving objects 25%", "receiving objects 100%"]


def test_a_quick_fetch_reports_nothing_more() -> None:
    lines: list[str] = []
    progress_listener(lines.append, patience_seconds=60)(b"Receiving objects: 100% (4/4)\n")
    assert lines == []


@pytest.mark.usefixtures("ssh_log")
def test_tells_near_names(home: Home, repo: GitRepo) -> None:
    with pytest.raises(NotFoundError) as caught:
        remote_of(home, repo).resolve("mian")
    assert "main" in caught.value.near


@pytest.mark.usefixtures("ssh_log")
def test_tells_that_a_repository_is_empty(home: Home, git_repo: GitRepoFactory) -> None:
    for ref in ("main", "HEAD"):
        with pytest.raises(CodebaseError, match="is empty"):
            remote_of(home, git_repo(ref)).resolve(ref)


@pytest.mark.usefixtures("ssh_log")
def test_a_fetch_outlives_what_a_killed_one_left(home: Home, repo: GitRepo) -> None:
    mirror = remote_of(home, repo)
    mirror.resolve("main")
    for name in ("refs/heads/main.lock", "packed-refs.lock", "shallow.lock", "HEAD.lock"):
        (mirror.path / name).touch()
    moved = repo.commit({"a.txt": "moved"}, "moved")
    assert mirror.resolve("main").commit == moved


@pytest.mark.parametrize("location", ["https://127.0.0.1:1/x.git", "ssh://127.0.0.1:1/x.git"])
def test_tells_that_a_repository_is_out_of_reach(home: Home, location: str) -> None:
    with pytest.raises(CodebaseError, match="cannot fetch from") as caught:
        Mirror(home, location).resolve("main")
    assert "access rights" not in caught.value.message
    assert caught.value.hint


def test_git_itself_refuses_other_transports(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    result = run_git("ls-remote", f"ext::touch {marker}")
    assert result.exit_code != 0
    assert not marker.exists()
