"""The `odbctl` command: finds the one module that a command needs, and runs it.

A light front: help of the root and the nouns, completion and the commands that
are asked for most never import typer. Everything that a command raises ends here.
"""

from __future__ import annotations

import errno
import gc
import os
import sys

from odbctl.commands.catalog import NOUNS, SHORTCUTS, TOP, resolve
from odbctl.errors import OdbctlError, UsageError, shown
from odbctl.light_typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import TextIOWrapper
    from typing import TextIO

    from odbctl.commands.output.results import Result
    from odbctl.commands.session import Session

_FLAGS = {"--home": "home", "--color": "color", "-o": "output", "--output": "output"}
_HELP = ("-h", "--help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code.

    Without `argv` the process is ours: garbage is collected only by commands that
    go on for long, and a quick one ends without taking the interpreter down. Both
    together are a quarter of its time.
    """
    run = _Run(_split_formats(sys.argv[1:] if argv is None else argv))
    if argv is None:
        gc.disable()
    _mend_streams()
    code = _flushed(run)
    if argv is None and run.is_quick:
        sys.stderr.flush()
        os._exit(code)
    return code


def _mend_streams() -> None:
    """Make the streams take every text, also where they are closed."""
    if cast("TextIO | None", sys.stdin) is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for good
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for good
        elif stream.errors == "strict":
            cast("TextIOWrapper", stream).reconfigure(errors="backslashreplace")


def _flushed(run: _Run) -> int:
    """Run the command and see to it that what it printed has been written."""
    code = 0
    try:
        code = run.code()
        if run.text:
            print(run.text)
        sys.stdout.flush()
    except OSError as error:
        # Nothing more can be said there, also not when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError) and code == 0:
            print(f"error: cannot write the output: {error.strerror}", file=sys.stderr)
            return 1
    return code


def _refuse_odd_bytes(words: list[str]) -> None:
    """Refuse words that are not UTF-8: neither names nor paths with them can be stored.

    Raises:
        UsageError: A word has other bytes.
    """
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise UsageError(f"the argument {shown(word)} is not UTF-8 text") from None


class _Run:
    """One run: its words, and what is known of it so far."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.session: Session | None = None
        # What is left to print: help that needs no command.
        self.text = ""
        # Whether nothing heavy was imported, so that nothing has to be taken down.
        self.is_quick = True

    def code(self) -> int:
        """Run the command, tell its errors, and return the exit code."""
        if self.words[:1] == ["__complete"]:
            from odbctl.commands.completion.candidates import print_candidates

            return print_candidates(self.words[1:])
        try:
            _refuse_odd_bytes(self.words)
            return self._run()
        except OdbctlError as error:
            from odbctl.commands.output.failures import tell

            return tell(error, is_json=self._is_json())
        except BrokenPipeError:
            raise
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130
        except Exception as error:  # noqa: BLE001 - the end of the process: it is written down
            from odbctl.commands.output.failures import tell, tell_unforeseen

            if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
                name = shown(str(error.filename))
                refused = UsageError(f"cannot use the path {name}: {error.strerror}")
                return tell(refused, is_json=self._is_json())

            home = self.session.home if self.session else None
            return tell_unforeseen(error, home, is_json=self._is_json())

    def _is_json(self) -> bool:
        if self.session is not None and self.session.output == "json":
            return True
        return wants_json(self.words)

    def _run(self) -> int:
        flags, words = _split_flags(self.words)
        if words[:1] == ["--version"] and (flags or words[1:]):
            words = ["version", *words[1:]]
        if (text := _front_help(words)) is not None:
            self.text = text
            return 0
        session = self.session = _open_session(flags)
        if words[0] == "help":
            words = [w for w in words[1:] if w not in _HELP] + ["--help"]
        result = self._result(_find_command(words), session)
        from odbctl.commands.output.render import render

        return render(result, session)

    def _result(self, found: _Found, session: Session) -> Result:
        from odbctl.commands.quick import quick_result

        result = quick_result(found.noun, found.name, found.words, session)
        if result is not None:
            return result
        self.is_quick = False
        from odbctl.commands.parsing import app

        gc.enable()
        return app.run(found.noun, found.name, found.words, typed=found.typed)


_FORMATS = ("table", "wide", "json", "yaml", "name")


def _split_formats(argv: Sequence[str]) -> list[str]:
    """Return the words with `-o=json` and `-ojson` as two words; those after `--` stay."""
    words: list[str] = []
    for place, word in enumerate(argv):
        if word == "--":
            return [*words, *argv[place:]]
        if word.startswith("-o=") or (word.startswith("-o") and word[2:] in _FORMATS):
            words += ["-o", word[2:].removeprefix("=")]
        else:
            words.append(word)
    return words


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
            from odbctl.commands.help_text import exit_codes_help

            return exit_codes_help()
    if not words or words[0] in _HELP:
        from odbctl.commands.help_text import root_help

        return root_help()
    if words[0] in NOUNS and (len(words) == 1 or words[1] in _HELP):
        from odbctl.commands.help_text import noun_help

        return noun_help(words[0])
    return None


def _open_session(flags: dict[str, str]) -> Session:
    from odbctl.commands.session import Session, set_session
    from odbctl.config import load_settings

    session = Session(load_settings(flags, os.environ, _folder()))
    set_session(session)
    return session


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return None


class _Found(NamedTuple):
    """A command that words name: its noun and verb, how it was typed, and the words after it."""

    noun: str | None
    name: str
    typed: str
    words: list[str]


def _find_command(words: list[str]) -> _Found:
    """Find the command that words name.

    Raises:
        UsageError: There is no such command.
    """
    first = words[0]
    if first in TOP:
        return _Found(None, first, first, words[1:])
    if first in SHORTCUTS:
        return _Found("service", SHORTCUTS[first], first, words[1:])
    if first not in NOUNS:
        from odbctl.commands.parsing.suggestions import unknown_command

        raise unknown_command(first, words[1:])
    verb = resolve(first, words[1])
    if verb is None:
        from odbctl.commands.parsing.suggestions import unknown_verb

        raise unknown_verb(first, words[1])
    return _Found(first, verb, f"{first} {words[1]}", words[2:])
