from __future__ import annotations

from pathlib import Path

import pytest

from odbctl.engine.codebases.locations import (
    default_name,
    normalise_location,
    repository_key,
    validate_ref,
)
from odbctl.engine.codebases.names import validate_name
from odbctl.errors import UsageError

REMOTE = [
    "ssh://git@example.org:2222/team/repo.git",
    "ssh://alias/team/repo",
    "git@example.org:team/repo.git",
    "https://example.org/team/repo.git",
    "https://ann@example.org/team/repo.git",
]


@pytest.mark.parametrize("text", REMOTE)
def test_keeps_remote_addresses(text: str) -> None:
    assert normalise_location(text, base=Path("/")) == text


def test_makes_paths_absolute(tmp_path: Path) -> None:
    assert normalise_location("sub/../repo", base=tmp_path) == str(tmp_path / "repo")
    assert normalise_location("./-x", base=tmp_path) == str(tmp_path / "-x")
    assert normalise_location(str(tmp_path / "a"), base=Path("/")) == str(tmp_path / "a")


def test_takes_a_file_address_for_its_path(tmp_path: Path) -> None:
    address = f"file://{tmp_path}/my%20repo"
    assert normalise_location(address, base=Path("/")) == str(tmp_path / "my repo")
    assert normalise_location("file://localhost/a", base=Path("/")) == "/a"


def test_takes_an_existing_path_with_a_colon_for_a_path(tmp_path: Path) -> None:
    (tmp_path / "a:b").mkdir()
    assert normalise_location("a:b", base=tmp_path) == str(tmp_path / "a:b")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "--upload-pack=touch /tmp/x",
        "-x",
        "ext::sh -c 'touch x'",
        "fd::17",
        "ext::ssh://host/x",
        "http://example.org/x",
        "git://example.org/x",
        "ftp://example.org/x",
        "file://host/x",
        "ssh://-oProxyCommand=x/y",
        "ssh://-x@host/y",
        "ssh://host",
        "https://host:port/x",
        "https://[::1/x",
        "https:///x",
        "-x@host:y",
        "a@-host:y",
        "host:path",
        "/x\ny",
        "a\x00b",
    ],
)
def test_refuses_everything_else(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        normalise_location(text, base=tmp_path)


@pytest.mark.parametrize(
    "text",
    ["https://ann:secret@example.org/x", "ssh://a:secret@h/x", f"https://{'secret' * 7}@h/x"],
)
def test_refuses_passwords_without_repeating_them(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        normalise_location(text, base=Path("/"))
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("/x/hello.git", "hello"),
        ("/x/hello/.git", "hello"),
        ("/x/my repo", "my-repo"),
        ("git@example.org:team/hello.git", "hello"),
        ("git@example.org:hello", "hello"),
        ("https://example.org/team/hello.git/", "hello"),
        ("/", "codebase"),
    ],
)
def test_names_a_codebase_by_its_repository(location: str, name: str) -> None:
    assert validate_name("codebase", default_name(location)) == name


def test_keys_differ_for_repositories_of_the_same_name() -> None:
    assert repository_key("/a/repo") != repository_key("/b/repo")
    assert repository_key("/a/repo") == "repo-668405c985a3f02f"


@pytest.mark.parametrize("ref", ["main", "v1.0", "HEAD~2", "origin/main", "HEAD@{1}", "a/b", "@"])
def test_accepts_refs(ref: str) -> None:
    assert validate_ref(ref) == ref


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "--upload-pack=x",
        "-n",
        "a b",
        "a\nb",
        "a\x7f",
        "a..b",
        "^main",
        "main^@",
        "main^-1",
        "\udcff",
    ],
)
def test_refuses_what_cannot_name_one_commit(ref: str) -> None:
    with pytest.raises(UsageError):
        validate_ref(ref)
