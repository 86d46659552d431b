"""Trees of commits: whole or not there, read-only, and nothing of the author's runs."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from git_repos import GitRepo, GitRepoFactory

from odbctl.engine.codebases.checkout import check_out, checkout_path
from odbctl.engine.codebases.git_command import run_git
from odbctl.engine.codebases.repository import Mirror
from odbctl.errors import CodebaseError, NotPermittedError, UsageError
from odbctl.paths import Home

CHECK_OUT = """
import sys
from odbctl.engine.codebases.checkout import check_out
from odbctl.engine.codebases.repository import Mirror
from odbctl.paths import Home
home = Home.at(sys.argv[1])
mirror = Mirror(home, sys.argv[2])
print(check_out(home, mirror, mirror.resolve("main").commit))
"""

# Stands still when the tree is half-written.
CHECK_OUT_HALF = (
    """
import signal
from odbctl.engine.codebases import checkout
def write_half(mirror, commit, folder, *, lock):
    folder.mkdir()
    (folder / "half").write_text("")
    print("half", flush=True)
    signal.pause()
checkout.write_tree = write_half
"""
    + CHECK_OUT
)


def add(home: Home, repo: GitRepo, ref: str = "HEAD") -> Path:
    mirror = Mirror(home, str(repo.path))
    return check_out(home, mirror, mirror.resolve(ref).commit)


def test_writes_the_tree_of_the_commit(home: Home, git_repo: GitRepoFactory) -> None:
    repo = git_repo()
    (repo.path / "run.sh").write_text("#!/bin/sh\n")
    (repo.path / "run.sh").chmod(0o755)
    (repo.path / "link").symlink_to("pkg/a.py")
    commit = repo.commit({"pkg/a.py": "a = 1\n", "naïve name.txt": "x\r\ny"})
    repo.write({"pkg/a.py": "a = 2\n"})
    tree = add(home, repo)
    assert tree == home.checkouts / Mirror(home, str(repo.path)).key / commit
    assert (tree / "link").read_text() == "a = 1\n"
    assert (tree / "naïve name.txt").read_bytes() == b"x\r\ny"
    assert sorted(os.listdir(tree)) == ["link", "naïve name.txt", "pkg", "run.sh"]


def test_is_read_only(home: Home, git_repo: GitRepoFactory) -> None:
    repo = git_repo()
    (repo.path / "run.sh").write_text("")
    (repo.path / "run.sh").chmod(0o755)
    repo.commit({"deep/er/a.py": ""})
    tree = add(home, repo)
    modes = {
        str(path.relative_to(tree)): stat.S_IMODE(path.stat().st_mode)
        for path in [tree, *tree.rglob("*")]
    }
    assert modes == {
        ".": 0o555,
        "deep": 0o555,
        "deep/er": 0o555,
        "deep/er/a.py": 0o444,
        "run.sh": 0o555,
    }


def test_is_the_same_folder_again(
    home: Home, git_repo: GitRepoFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = git_repo()
    commit = repo.commit({"a": ""})
    first = add(home, repo)
    monkeypatch.setenv("PATH", "")  # not one git process
    assert add(home, repo, commit) == first


def test_an_empty_tree_can_be_checked_out(home: Home, git_repo: GitRepoFactory) -> None:
    repo = git_repo()
    repo.commit({})
    assert os.listdir(add(home, repo)) == []


def test_several_at_once_share_one_tree(home: Home, git_repo: GitRepoFactory) -> None:
    repo = git_repo()
    repo.commit({f"{number}.py": "" for number in range(200)})
    command = [sys.executable, "-c", CHECK_OUT, str(home.data), str(repo.path)]
    children = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [child.communicate(timeout=60) for child in children]
    tree = add(home, repo)
    assert said == [(f"{tree}\n", "")] * 4
    assert len(os.listdir(tree)) == 200
    assert os.listdir(tree.parent) == [tree.name]


def test_a_killed_checkout_is_never_used(home: Home, git_repo: GitRepoFactory) -> None:
    repo = git_repo()
    commit = repo.commit({"a": ""})
    command = [sys.executable, "-c", CHECK_OUT_HALF, str(home.data), str(repo.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "half\n"
        mirror = Mirror(home, str(repo.path))
        assert not checkout_path(home, mirror, commit).exists()
        child.send_signal(signal.SIGKILL)
    tree = add(home, repo)
    assert os.listdir(tree) == ["a"]
    assert os.listdir(tree.parent) == [tree.name]


def test_a_failed_checkout_leaves_nothing(home: Home, git_repo: GitRepoFactory) -> None:
    repo = git_repo()
    (repo.path / "out").symlink_to("/etc")
    repo.commit({})
    with pytest.raises(CodebaseError):
        add(home, repo)
    assert os.listdir(home.checkouts / Mirror(home, str(repo.path)).key) == []


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x", "..", "sub/../../x", "jump/../x"])
def test_refuses_links_that_lead_outside(home: Home, git_repo: GitRepoFactory, target: str) -> None:
    repo = git_repo()
    (repo.path / "deep").mkdir()
    (repo.path / "deep" / "jump").symlink_to("..")  # inner, but what follows it may not be
    (repo.path / "jump").symlink_to(".")
    (repo.path / "out").symlink_to(target)
    repo.commit({"sub/a": ""})
    with pytest.raises(CodebaseError, match="'out'") as caught:
        add(home, repo)
    assert "make them relative links" in (caught.value.hint or "")


def test_allows_links_that_stay_inside(home: Home, git_repo: GitRepoFactory) -> None:
    repo = git_repo()
    (repo.path / "sub").mkdir()
    (repo.path / "sub" / "up").symlink_to("../a")
    (repo.path / "dangling").symlink_to("nothing")
    (repo.path / "loop").symlink_to("loop")
    repo.commit({"a": "text"})
    assert (add(home, repo) / "sub" / "up").read_text() == "text"


def test_refuses_submodules_by_name(home: Home, git_repo: GitRepoFactory) -> None:
    inner, outer = git_repo("inner"), git_repo("outer")
    inner.commit({"a": ""})
    words = ("submodule", "--quiet", "add", str(inner.path), "libs/inner")
    outer.git("-c", "protocol.file.allow=always", *words)
    outer.commit({})
    with pytest.raises(CodebaseError, match=r"submodules.*'libs/inner'"):
        add(home, outer)


def test_refuses_lfs_pointers_by_name(home: Home, git_repo: GitRepoFactory) -> None:
    repo = git_repo()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    repo.commit({f"data/{number}.bin": pointer for number in range(7)})
    with pytest.raises(CodebaseError, match=r"LFS.*'data/0.bin'.* and 2 more"):
        add(home, repo)


def test_runs_no_filter_and_no_hook(
    home: Home, git_repo: GitRepoFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = git_repo()
    repo.commit({"a.txt": "plain", ".gitattributes": "*.txt filter=evil\n"})
    marker, hooks = tmp_path / "marker", tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "post-index-change", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (hooks / name).chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(
        f'[filter "evil"]\n smudge = touch {marker}\n required\n[core]\n hooksPath = {hooks}\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert (add(home, repo) / "a.txt").read_text() == "plain"
    assert not marker.exists()


def test_is_not_led_astray_by_settings(
    home: Home, git_repo: GitRepoFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = git_repo()
    repo.commit({"a.txt": "one\ntwo\n"})
    settings = tmp_path / "gitconfig"
    settings.write_text("[core]\n autocrlf = true\n symlinks = false\n worktree = /nonexistent\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_WORK_TREE", "/nonexistent")
    assert (add(home, repo) / "a.txt").read_bytes() == b"one\ntwo\n"


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, git_repo: GitRepoFactory) -> None:
    repo = git_repo()
    repo.commit({"a": ""})
    (tmp_path / "file").write_text("")
    with pytest.raises(NotPermittedError, match="cannot write to"):
        add(Home.at(tmp_path / "file"), repo)


def test_a_commit_that_the_mirror_lacks_is_told(home: Home, git_repo: GitRepoFactory) -> None:
    repo = git_repo()
    repo.commit({"a": ""})
    mirror = Mirror(home, str(repo.path))
    mirror.resolve("HEAD")
    with pytest.raises(CodebaseError, match="damaged"):
        check_out(home, mirror, "0" * 40)
    with pytest.raises(UsageError):
        check_out(home, mirror, "../escape")


def test_trees_of_sha256_repositories(home: Home, tmp_path: Path) -> None:
    run_git("init", "--quiet", "--object-format=sha256", str(tmp_path / "new"))
    repo = GitRepo(tmp_path / "new")
    commit = repo.commit({"a": "text"})
    assert len(commit) == 64
    assert (add(home, repo) / "a").read_text() == "text"
