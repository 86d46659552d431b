"""Environment variables as people give them: `--env K=V` and files of such lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from odbctl.errors import UsageError

# Linux starts no program with a longer one: MAX_ARG_STRLEN, 128 KiB, with the name.
LONGEST_VALUE_BYTES = 130_000


def read_environment(words: Iterable[str], file: str | None) -> dict[str, str]:
    """Return the variables of a file, then those of the words, which win.

    Raises:
        UsageError: A line or a word is not K=V, or the file cannot be read.
    """
    found: dict[str, str] = {}
    if file is not None:
        for number, line in enumerate(_read(file).splitlines(), start=1):
            text = line.strip().removeprefix("export ")
            if text and not text.startswith("#"):
                name, value = _assignment(text, f"{file}:{number}")
                found[name] = _unquoted(value)
    for word in words:
        name, value = _assignment(word, "--env")
        found[name] = value
    return found


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read {file}: it is not UTF-8 text") from error


def _assignment(text: str, where: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    # What stands there may be a secret, even before the sign: it is not repeated.
    if not sign:
        raise UsageError(f"{where}: it has no '='", hint="for example MODE=test")
    if not name.isidentifier():
        raise UsageError(f"{where}: the name before '=' is not valid", hint="for example MODE=test")
    if "\0" in value:
        raise UsageError(f"{where}: the value of {name} has a NUL byte")
    if len(value.encode()) > LONGEST_VALUE_BYTES:
        raise UsageError(
            f"{where}: the value of {name} is longer than {LONGEST_VALUE_BYTES:,} bytes",
            hint="write it to a file, and give the file's name",
        )
    return name, value


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value
