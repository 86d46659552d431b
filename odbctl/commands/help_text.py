"""The help that needs no command's module: the root's, a noun's, the exit codes.

Runs in the command line's process; the help of one command comes from typer.
"""

from __future__ import annotations

from odbctl.commands.catalog import ALIASES, EXIT_CODES, NOUNS, SHORTCUTS, TOP

_OPTIONS = {
    "--home DIR": "Use the odbctl home in DIR",
    "--color WHEN": "auto, always or never",
    "-o, --output FORMAT": "table, wide, json, yaml or name (of most commands)",
    "--json": "Short for -o json",
    "-h, --help": "Show this help, or that of a command",
    "--version": "Print the version",
}
_EXAMPLES = (
    "odbctl codebase add main --repo ~/src/app",
    "odbctl service create api --class app.api:Api --codebase app --count 2",
    "odbctl start api",
    "odbctl logs api --follow",
)


def root_help() -> str:
    """Return the help of `odbctl` itself."""
    nouns = {noun: text for noun, (text, _) in NOUNS.items()}
    daily = {word: NOUNS["service"][1][verb] for word, verb in SHORTCUTS.items()}
    return "\n".join(
        [
            "Usage: odbctl COMMAND [NAME...] [OPTIONS]",
            "       odbctl NOUN VERB [NAME...] [OPTIONS]",
            "",
            "A git ref goes in, supervised and reactive Python services come out.",
            *_section("Daily commands (short for `service ...`)", daily),
            *_section("Other commands", TOP),
            *_section("Nouns", nouns),
            *_section("Options", _OPTIONS),
            *_examples(_EXAMPLES),
            "",
            "`odbctl NOUN` lists its verbs, `odbctl NOUN VERB --help` shows one with an example.",
        ]
    )


def noun_help(noun: str) -> str:
    """Return the help of a noun: its verbs."""
    text, verbs = NOUNS[noun]
    first = next(iter(verbs))
    aliases = [
        f"`{alias}` is short for `{verb}`." for alias, verb in ALIASES.items() if verb in verbs
    ]
    return "\n".join(
        [
            f"Usage: odbctl {noun} VERB [OPTIONS]",
            "",
            f"{text}.",
            *_section("Verbs", verbs),
            *([""] if aliases else []),
            *aliases,
            *_examples((f"odbctl {noun} {first} --help",)),
        ]
    )


def exit_codes_help() -> str:
    """Return what the exit codes mean."""
    rows = {str(code): text for code, text in EXIT_CODES}
    return "\n".join(_section("Exit codes", rows)[1:])


def _section(title: str, rows: dict[str, str]) -> list[str]:
    width = max(map(len, rows)) + 2
    return ["", f"{title}:", *(f"  {name:<{width}}{text}" for name, text in rows.items())]


def _examples(lines: tuple[str, ...]) -> list[str]:
    return ["", "Example:", *(f"  {line}" for line in lines)]
