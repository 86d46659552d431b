"""The `odbctl` command: finds the one module that a command needs, and runs it.

A light front: help of the root and the nouns, completion and the commands that
are asked for most never import typer. Everything that a command raises ends here.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from odbctl.commands import _help
from odbctl.commands.catalog import NOUNS, TOP
from odbctl.errors import OdbctlError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odbctl.commands._results import Result
    from odbctl.commands._session import Session

_FLAGS = {"--home": "home", "--color": "color", "-o": "output", "--output": "output"}
_HELP = ("-h", "--help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        try:
            code = _run(words)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone: nothing is left to say, also not when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    return code


def _run(words: list[str]) -> int:
    if words[:1] == ["__complete"]:
        from odbctl.commands._complete import print_candidates

        return print_candidates(words[1:])
    is_json = wants_json(words)
    session = None
    try:
        flags, rest = _split_flags(words)
        if (text := _front_help(rest)) is not None:
            print(text)
            return 0
        session = _open_session(flags)
        return _dispatch(rest, session)
    except OdbctlError as error:
        from odbctl.commands._failures import tell

        return tell(error, is_json=is_json)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:  # noqa: BLE001 - the end of the process: it is written down
        from odbctl.commands._failures import tell_unforeseen

        return tell_unforeseen(error, session.home if session else None, is_json=is_json)


def wants_json(words: Sequence[str]) -> bool:
    """Tell whether errors are to be told as JSON, also when the words make no sense."""
    before = words[: words.index("--")] if "--" in words else words
    if any(w in ("--json", "-ojson", "--output=json") for w in before):
        return True
    if any(before[n] in ("-o", "--output") and w == "json" for n, w in enumerate(before[1:])):
        return True
    return os.environ.get("ODBCTL_OUTPUT") == "json"


def _split_flags(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Take the options before the command; those after it are the command's own."""
    flags: dict[str, str] = {}
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] not in (*_HELP, "--version"):
        word, sign, value = rest.pop(0).partition("=")
        if word == "--json":
            flags["output"] = "json"
            continue
        if word not in _FLAGS:
            raise UsageError(f"no option {word!r}", hint="odbctl --help")
        if not sign:
            if not rest:
                raise UsageError(f"{word} needs a value", hint="odbctl --help")
            value = rest.pop(0)
        flags[_FLAGS[word]] = value
    return flags, rest


def _front_help(words: list[str]) -> str | None:
    """Return the help or version that needs no command, if it is asked for."""
    if words == ["--version"]:
        from odbctl import __version__

        return f"odbctl {__version__}"
    if words[:1] == ["help"]:
        words = [w for w in words[1:] if w not in _HELP] + ["--help"]
        if words == ["exit-codes", "--help"]:
            return _help.exit_codes_help()
    if not words or words[0] in _HELP:
        return _help.root_help()
    if words[0] in NOUNS and (len(words) == 1 or words[1] in _HELP):
        return _help.noun_help(words[0])
    return None


def _open_session(flags: dict[str, str]) -> Session:
    from odbctl.commands._session import Session, set_session
    from odbctl.config import load_settings

    session = Session(load_settings(flags, os.environ, _folder()))
    set_session(session)
    return session


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return None


def _dispatch(words: list[str], session: Session) -> int:
    if words[0] == "help":
        words = [w for w in words[1:] if w not in _HELP] + ["--help"]
    noun, name, rest = _find_command(words)
    result = _result(noun, name, rest, session)
    if result is None:
        return 0
    from odbctl.commands._render import render

    return render(result, session)


def _result(noun: str | None, name: str, rest: list[str], session: Session) -> Result | None:
    from odbctl.commands.quick import quick_result

    result = quick_result(noun, name, rest, session)
    if result is not None:
        return result
    from odbctl.commands import _app

    return _app.run(noun, name, rest)


def _find_command(words: list[str]) -> tuple[str | None, str, list[str]]:
    """Split words into noun, command and the rest.

    Raises:
        UsageError: There is no such command.
    """
    first = words[0]
    if first in TOP:
        return None, first, words[1:]
    if first not in NOUNS:
        raise _unknown(first, [*NOUNS, *TOP], "odbctl")
    verb = words[1]
    if verb not in NOUNS[first][1]:
        raise _unknown(verb, [*NOUNS[first][1]], f"odbctl {first}")
    return first, verb, words[2:]


def _unknown(word: str, known: list[str], before: str) -> UsageError:
    import difflib

    near = difflib.get_close_matches(word, known, n=1)
    hint = f"{before} {near[0]}" if near else f"{before} --help"
    return UsageError(f"no command {word!r} of {before}", hint=hint)
