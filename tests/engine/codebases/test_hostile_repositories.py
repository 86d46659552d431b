"""Repositories written by an attacker: nothing that they name is executed.

Each test plants a program that would create a file, the canary, wherever git
would run it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repos import GitRepo, GitRepoFactory

from odbctl.commands.completion.candidates import candidates
from odbctl.engine.codebases import checkout, trees
from odbctl.engine.codebases.history import list_refs
from odbctl.engine.codebases.repository import Mirror, dirty_note, find_repository
from odbctl.errors import CodebaseError, NotFoundError
from odbctl.paths import Home

DIRTY = "1 changed file is not in commit"


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """Return the file that the attacker's program would create."""
    return tmp_path / "canary"


@pytest.fixture
def program(tmp_path: Path, canary: Path) -> str:
    """Return the attacker's program, as a command."""
    path = tmp_path / "evil"
    path.write_text(f'#!/bin/sh\necho "$0 $*" >> {canary}\ncat\n')
    path.chmod(0o755)
    return str(path)


def a_changed_repository(git_repo: GitRepoFactory, attributes: str = "") -> GitRepo:
    """Make a repository in which one tracked file has been changed."""
    repo = git_repo()
    repo.commit({"a.txt": "1", ".gitattributes": attributes})
    repo.write({"a.txt": "2"})
    return repo


@pytest.mark.parametrize("kind", ["clean", "process", "smudge"])
def test_dirty_note_runs_no_filter(
    git_repo: GitRepoFactory, program: str, canary: Path, kind: str
) -> None:
    repo = a_changed_repository(git_repo, "* filter=evil\n")
    repo.git("config", f"filter.evil.{kind}", program)
    repo.git("config", "filter.evil.required", "true")
    note = dirty_note(str(repo.path))
    assert note is not None
    assert note.startswith(DIRTY)
    assert not canary.exists()


@pytest.mark.parametrize("name", ["a=b", "a.clean=x"])
def test_dirty_note_is_left_out_for_filters_it_cannot_switch_off(
    git_repo: GitRepoFactory, program: str, canary: Path, name: str
) -> None:
    repo = a_changed_repository(git_repo, f"* filter={name}\n")
    with (repo.path / ".git/config").open("a") as config:
        config.write(f'[filter "{name}"]\n\tclean = {program}\n')
    assert dirty_note(str(repo.path)) is None
    assert not canary.exists()


def test_dirty_note_runs_no_file_system_monitor(
    git_repo: GitRepoFactory, program: str, canary: Path
) -> None:
    repo = a_changed_repository(git_repo)
    repo.git("config", "core.fsmonitor", program)
    assert (dirty_note(str(repo.path)) or "").startswith(DIRTY)
    assert not canary.exists()


def test_dirty_note_does_not_look_into_submodules(
    git_repo: GitRepoFactory, program: str, canary: Path
) -> None:
    inner = git_repo("inner")
    inner.commit({"b.txt": "b"})
    repo = a_changed_repository(git_repo)
    allowed = ("-c", "protocol.file.allow=always")
    repo.git(*allowed, "submodule", "--quiet", "add", str(inner.path), "part")
    repo.commit({})
    repo.write({"a.txt": "3", "part/b.txt": "changed"})
    GitRepo(repo.path / "part").git("config", "core.fsmonitor", program)
    assert (dirty_note(str(repo.path)) or "").startswith(DIRTY)
    assert not canary.exists()


def test_dirty_note_looks_into_no_other_work_tree(git_repo: GitRepoFactory, tmp_path: Path) -> None:
    repo = a_changed_repository(git_repo)
    other = tmp_path / "other"
    other.mkdir()
    for number in range(3):
        (other / f"{number}.txt").write_text("")
    repo.git("config", "core.worktree", str(other))
    assert (dirty_note(str(repo.path)) or "").startswith(DIRTY)


def a_partial_clone(repo: GitRepo, program: str) -> str:
    """Make a repository lack its newest commit, which it would fetch with the program."""
    lost = repo.commit({"a.txt": "lost"})
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    (repo.path / ".git/objects" / lost[:2] / lost[2:]).unlink()
    for name, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"file://{repo.path}",
        "remote.origin.uploadpack": program,
        "remote.origin.fetch": "+refs/heads/*:refs/remotes/origin/*",
    }.items():
        repo.git("config", name, value)
    return lost


def test_missing_objects_are_not_fetched(
    home: Home, git_repo: GitRepoFactory, program: str, canary: Path
) -> None:
    repo = git_repo()
    repo.commit({"a.txt": "1"})
    lost = a_partial_clone(repo, program)
    mirror = Mirror(home, str(repo.path))
    with pytest.raises(NotFoundError):
        mirror.resolve(lost)
    (repo.path / ".git/refs/heads/lost").write_text(lost + "\n")
    list_refs(mirror)
    mirror.resolve("main")
    candidates(["codebase", "add", "--repo", str(repo.path), ""])
    assert not canary.exists()


def test_missing_files_of_the_fetched_commit_are_not_fetched(
    home: Home, git_repo: GitRepoFactory, program: str, canary: Path
) -> None:
    repo = git_repo()
    repo.commit({"a.txt": "1"})
    a_partial_clone(repo, program)
    blob = repo.git("rev-parse", "HEAD:a.txt")
    (repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(CodebaseError):
        Mirror(home, str(repo.path)).resolve("main")
    assert not canary.exists()


ACTIONS: dict[str, Callable[[Home], object]] = {
    "resolve": lambda home: Mirror(home, "ssh://nowhere.invalid/repo").resolve("main"),
    "refresh": lambda home: Mirror(home, "ssh://nowhere.invalid/repo").refresh(),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_the_current_folder_does_not_choose_the_ssh_command(
    home: Home,
    git_repo: GitRepoFactory,
    program: str,
    canary: Path,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
) -> None:
    repo = git_repo()
    repo.commit({"a.txt": "1"})
    repo.git("config", "core.sshCommand", program)
    monkeypatch.chdir(repo.path)
    with pytest.raises(CodebaseError):
        ACTIONS[action](home)
    assert not canary.exists()


def test_the_users_ssh_command_is_used(
    home: Home, program: str, canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(program).write_text(f'#!/bin/sh\necho "$*" >> {canary}\n')
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[core]\n\tsshCommand = {program} mine\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    with pytest.raises(CodebaseError):
        Mirror(home, "ssh://nowhere.invalid/repo").resolve("main")
    assert "mine -o BatchMode=yes" in canary.read_text()


def test_the_current_folder_does_not_rewrite_addresses(
    home: Home, git_repo: GitRepoFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = git_repo("other")
    other.commit({"a.txt": "1"})
    other.git("branch", "--move", "trunk")
    repo = git_repo()
    repo.git("config", f"url.file://{other.path}.insteadOf", "ssh://nowhere.invalid/repo")
    monkeypatch.chdir(repo.path)
    with pytest.raises(CodebaseError, match="cannot fetch"):
        Mirror(home, "ssh://nowhere.invalid/repo").resolve("HEAD")
    assert find_repository(Path.cwd()) == str(repo.path)


def test_completion_runs_nothing_of_the_current_folder(
    git_repo: GitRepoFactory, program: str, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = a_changed_repository(git_repo, "* filter=evil\n")
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "filter.evil.clean"):
        repo.git("config", name, program)
    repo.git("config", "alias.for-each-ref", f"!{program}")
    monkeypatch.chdir(repo.path)
    assert {name for name, _ in candidates(["codebase", "add", ""])} == {"HEAD", "main"}
    assert not canary.exists()


def test_completion_offers_no_ref_that_is_an_option(
    git_repo: GitRepoFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = git_repo()
    head = repo.commit({"a.txt": "1"})
    (repo.path / ".git/refs/heads/--force").write_text(head + "\n")
    monkeypatch.chdir(repo.path)
    assert {name for name, _ in candidates(["codebase", "add", ""])} == {"HEAD", "main"}


def write_object(repo: GitRepo, kind: str, body: bytes) -> str:
    """Write a loose object, whatever git would say to its contents, and return its hash."""
    data = f"{kind} {len(body)}\0".encode() + body
    digest = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    path = repo.path / ".git/objects" / digest[:2] / digest[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(data))
    return digest


def a_tree(repo: GitRepo, *entries: tuple[str, str, str]) -> str:
    """Write a tree of (mode, name, hash) entries."""
    parts = (f"{mode} {name}\0".encode() + bytes.fromhex(child) for mode, name, child in entries)
    return write_object(repo, "tree", b"".join(parts))


def commit_of(repo: GitRepo, tree: str) -> str:
    """Commit a tree on the branch main."""
    commit = repo.git("commit-tree", tree, "-m", "hostile")
    repo.git("update-ref", "refs/heads/main", commit)
    return commit


def multiplied(repo: GitRepo, leaf: tuple[tuple[str, str, str], ...], levels: int) -> str:
    """Make a tree of ten folders that each hold the same ten folders, and so on."""
    tree = a_tree(repo, *leaf)
    for _ in range(levels):
        tree = a_tree(repo, *(("40000", f"folder{number}", tree) for number in range(10)))
    return commit_of(repo, tree)


@pytest.mark.parametrize("has_files", [True, False])
def test_a_tree_that_multiplies_is_refused(
    home: Home, git_repo: GitRepoFactory, monkeypatch: pytest.MonkeyPatch, has_files: bool
) -> None:
    monkeypatch.setattr(trees, "MOST_ENTRIES", 20_000)
    repo = git_repo()
    blob = repo.git("hash-object", "-w", "--stdin")
    leaf = (("100644", "a.txt", blob),) if has_files else ()
    commit = multiplied(repo, leaf, levels=12)
    mirror = Mirror(home, str(repo.path))
    mirror.resolve("main")
    with pytest.raises(CodebaseError, match="more than 20,000 files and folders"):
        checkout.check_out(home, mirror, commit)
    assert dirty_note(str(repo.path)) is None
    assert list(home.checkouts.glob("[!.]*/*")) == []


def test_a_tree_of_too_many_bytes_is_refused(
    home: Home, git_repo: GitRepoFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "MOST_TREE_BYTES", 2**30)
    repo = git_repo()
    blob = write_object(repo, "blob", bytes(2**20))
    folder = a_tree(repo, *(("100644", f"{number:04}", blob) for number in range(1200)))
    commit = commit_of(repo, folder)
    mirror = Mirror(home, str(repo.path))
    mirror.resolve("main")
    with pytest.raises(CodebaseError, match="more than 1 GB in its files"):
        checkout.check_out(home, mirror, commit)


def test_a_path_that_is_too_long_is_refused(home: Home, git_repo: GitRepoFactory) -> None:
    repo = git_repo()
    tree = a_tree(repo, ("100644", "a.txt", repo.git("hash-object", "-w", "--stdin")))
    for _ in range(60):
        tree = a_tree(repo, ("40000", "x" * 100, tree))
    commit = commit_of(repo, tree)
    mirror = Mirror(home, str(repo.path))
    mirror.resolve("main")
    with pytest.raises(CodebaseError, match="a path of more than 4096 bytes"):
        checkout.check_out(home, mirror, commit)


def test_output_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from odbctl.engine.codebases.git_command import run_git

    program = tmp_path / "bin/git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec yes\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(CodebaseError, match="git printed more than 64 MB"):
        run_git("for-each-ref")


def test_hints_can_be_pasted(tmp_path: Path) -> None:
    place = tmp_path / "a $(touch x)"
    inner = place / "inner"
    inner.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", str(place)], check=True)
    from odbctl.engine.codebases.local import unusable

    assert unusable(str(inner)).hint == f"--repo '{place}'"
