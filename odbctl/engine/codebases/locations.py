"""Where repositories are and what refs may look like: text only, no I/O.

A location is an absolute path, or an `ssh://`, `user@host:path` or `https://`
address. Everything that git could take for an option, for another transport
or for a secret to keep is refused here, before git sees it.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

from odbctl.engine.codebases.names import make_name
from odbctl.errors import UsageError, shown
from odbctl.masking import is_token, mask_text

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP = re.compile(r"(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):.+")
_HELPER = re.compile(r"([A-Za-z0-9][A-Za-z0-9+.-]*)::")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9.:_\]-]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
# Longer user names are access tokens in all but name.
LONGEST_USER = 31
KINDS_HINT = "a path, file://, ssh://, user@host:path or https:// names a repository"


def is_remote(location: str) -> bool:
    """Return whether a normalised location is on another host."""
    return not location.startswith("/")


def normalise_location(text: str, *, base: Path) -> str:
    """Return the location that `text` names.

    Args:
        text: PATH, `file://`, `ssh://`, `user@host:path` or `https://`.
        base: The folder that relative paths start from.

    Raises:
        UsageError: It looks like an option, holds a password, or needs a
            transport that is not allowed.
    """
    _refuse_unprintable(text)
    if helper := _HELPER.match(text):
        _refuse_transport(helper[1])
    if scheme := _SCHEME.match(text):
        return _normalise_address(text, scheme[1].lower())
    if _SCP.fullmatch(text):
        return text
    try:
        path = (base / Path(text).expanduser()).absolute()
        is_there = path.exists()
    except (OSError, RuntimeError) as error:  # too long, or of a user that is unknown
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"no repository at {shown(text)}: {reason}", hint=KINDS_HINT) from error
    if ":" in text.partition("/")[0] and not is_there:
        raise _not_a_location(text)
    return storable(os.path.realpath(path))


def storable(path: str) -> str:
    """Return `path` if the database can hold it.

    Raises:
        UsageError: It has bytes that are not UTF-8.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"the path {path!r} is not UTF-8 text", hint="rename the folder, or move the repository"
        ) from None
    return path


def _refuse_unprintable(text: str) -> None:
    if not text or _CONTROL.search(text):
        raise _not_a_location(text)
    if text.startswith("-"):
        raise UsageError(
            f"{text!r} looks like an option, not like a repository",
            hint=f"for a folder of that name write ./{text}",
        )


def _refuse_transport(scheme: str) -> NoReturn:
    # The rest of the address may hold a password: it is not repeated.
    raise UsageError(f"git's transport {scheme!r} is not allowed", hint=KINDS_HINT)


def _normalise_address(text: str, scheme: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        # The error of urlsplit repeats the address.
        raise _not_a_location(text) from None
    match scheme:
        case "file":
            if parts.netloc not in ("", "localhost") or len(parts.path) < 2:
                raise UsageError(f"{mask_text(text)!r} names no file of this host")
            return storable(
                os.path.realpath(unquote(text.partition("://")[2].removeprefix(parts.netloc)))
            )
        case "ssh" | "https":
            _check_host(text, parts)
            return text
        case _:
            _refuse_transport(scheme)


def _check_host(text: str, parts: SplitResult) -> None:
    _refuse_secrets(parts)
    try:
        is_wrong = parts.port == 0
    except ValueError:
        is_wrong = True
    is_wrong = is_wrong or _HOST.fullmatch(parts.netloc.rpartition("@")[2]) is None
    is_wrong = is_wrong or (parts.username is not None and not _USER.fullmatch(parts.username))
    if is_wrong or len(parts.path) < 2:
        raise _not_a_location(text)


def _refuse_secrets(parts: SplitResult) -> None:
    """Refuse what would stand in git's command line, in the database and in messages."""
    user = unquote(parts.username or "")
    has_secret = parts.password is not None or ":" in user
    if has_secret or len(user) > LONGEST_USER or is_token(user) or is_token(parts.path):
        raise UsageError(
            "the repository's address holds a password or a token",
            hint="leave it out and keep it in git's credential helper",
        )
    if parts.query or parts.fragment:
        raise UsageError(
            "the repository's address has a query or a fragment, which may hold a token",
            hint="leave it out, and keep tokens in git's credential helper",
        )


def _not_a_location(text: str) -> UsageError:
    return UsageError(f"{shown(mask_text(text))} is not a repository's location", hint=KINDS_HINT)


def default_name(location: str) -> str:
    """Return the repository's name: its last part without `.git`, made a valid name."""
    parts = [part for part in re.split(r"[/:]", location) if part and part != ".git"]
    last = parts[-1] if parts else ""
    return make_name(last.removesuffix(".git"), default="codebase")


def repository_key(location: str) -> str:
    """Return the name of the folders that belong to a location: readable and unique."""
    digest = hashlib.sha256(os.fsencode(location)).hexdigest()[:16]
    return f"{default_name(location)[:40]}-{digest}"


def validate_ref(ref: str) -> str:
    """Return `ref` if it can name one commit.

    Raises:
        UsageError: It is empty, looks like an option, is a range, or has
            spaces or control characters.
    """
    if not ref:
        raise UsageError("the git ref is empty", hint="write a branch, a tag, a hash or HEAD")
    if ref.startswith("-"):
        raise UsageError(f"{ref!r} looks like an option, not like a git ref")
    if _CONTROL.search(ref) or any(c.isspace() for c in ref) or not ref.isprintable():
        raise UsageError(f"{ref!r} is not a git ref: it has spaces or control characters")
    if ref.startswith("^") or ".." in ref or ref.endswith(("^@", "^!")) or "^-" in ref:
        raise UsageError(f"{ref!r} names a range of commits", hint="name one commit")
    return ref
