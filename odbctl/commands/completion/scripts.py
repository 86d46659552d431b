"""The completion scripts of the shells, generated from the commands themselves.

`python -m odbctl.commands.completion.scripts FOLDER` writes them; a test
holds `completions/` equal to that. Options are in the scripts; everything else
is asked of `odbctl __complete`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from odbctl.commands.catalog import all_commands, spellings
from odbctl.commands.parsing.app import build

SHELLS = ("bash", "zsh", "fish")
FILES = {"bash": "odbctl.bash", "zsh": "_odbctl", "fish": "odbctl.fish"}
_ROOT_OPTIONS = "--color --help --home --json --output --version"

_BASH = """\
_odbctl() {
    local line=${COMP_LINE:0:COMP_POINT} words current shown kept value
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    # What was inserted before has a backslash before each special character.
    words=("${words[@]//\\\\/}")
    current=${words[${#words[@]}-1]}
    COMPREPLY=()
    if [[ $current == -* ]]; then
        for value in $(_odbctl_options "${words[1]}" "${words[2]}"); do
            [[ $value == "$current"* ]] && COMPREPLY+=("$value")
        done
        return
    fi
    # The line editor keeps what stands before a ':' or '@' of the word.
    shown=${COMP_WORDS[COMP_CWORD]//\\\\/}
    [[ $shown == [:=@] ]] && shown=
    kept=${current%"$shown"}
    while IFS=$'\\t' read -r value _; do
        # Quoted: a name may hold what the shell would run.
        printf -v value '%q' "${value#"$kept"}"
        COMPREPLY+=("$value")
    done < <(odbctl __complete "${words[@]:1}" 2> /dev/null)
}

complete -o default -F _odbctl odbctl
"""
_ZSH = """\
_odbctl() {
    local -a found
    if [[ ${words[CURRENT]} == -* ]]; then
        found=(${=$(_odbctl_options "${words[2]}" "${words[3]}")})
    else
        found=(${(f)"$(odbctl __complete "${(@Q)words[2,CURRENT]}" 2> /dev/null)"})
        found=(${found%%$'\\t'*})
    fi
    if (( $#found )); then
        # Without -Q, compadd quotes what it inserts.
        compadd -a found
    else
        _files
    fi
}

if [[ ${funcstack[1]} == _odbctl ]]; then
    _odbctl "$@"
else
    compdef _odbctl odbctl
fi
"""
_FISH = """\
function __odbctl_complete
    set -l words (commandline -opc) (commandline -ct)
    odbctl __complete $words[2..-1] 2> /dev/null
end

function __odbctl_is
    set -l words (commandline -opc)
    test (count $words) -gt (count $argv)
    and test "$words[2..(math 1 + (count $argv))]" = "$argv"
end

complete -c odbctl -f -a '(__odbctl_complete)'
"""


class Option(NamedTuple):
    """An option of a command: its names, its help and whether a value follows."""

    names: tuple[str, ...]
    help: str
    has_value: bool


def completion_script(shell: str) -> str:
    """Return the script for one of `SHELLS`."""
    head = f"# Completion of odbctl for {shell}; made by `odbctl completion {shell}`.\n"
    if shell == "fish":
        return head + "\n" + _FISH + "\n".join(_fish_lines()) + "\n"
    body = _BASH if shell == "bash" else _ZSH
    first = "#compdef odbctl\n" if shell == "zsh" else ""
    return f"{first}{head}\n{_options_function()}\n{body}"


def _options_function() -> str:
    """Return a shell function that prints the options of a command."""
    cases = [
        f'        {_pattern(noun, name)}) echo "{" ".join(_long_names(noun, name))}" ;;'
        for noun, name, _ in all_commands()
    ]
    lines = ["_odbctl_options() {", '    case "$1 $2" in', *cases]
    lines += [f'        *) echo "{_ROOT_OPTIONS}" ;;', "    esac", "}", ""]
    return "\n".join(lines)


def _pattern(noun: str | None, name: str) -> str:
    """Return the shell pattern of a command's first two words, in each of its spellings."""
    found = spellings(noun, name)
    return "|".join(f'"{words}"' if " " in words else f'"{words} "*' for words in found)


def _long_names(noun: str | None, name: str) -> list[str]:
    return sorted(n for option in _options(noun, name) for n in option.names if n.startswith("--"))


def _options(noun: str | None, name: str) -> Iterator[Option]:
    built = build(noun, name)
    context = built.make_context(name, [], resilient_parsing=True)
    for parameter in built.get_params(context):
        if parameter.param_type_name == "option":
            # In the same order in every process, which those of --help have not.
            names = tuple(sorted({*parameter.opts, *parameter.secondary_opts}))
            yield Option(names, parameter.help or "", has_value=not parameter.is_flag)


def _fish_lines() -> Iterator[str]:
    for noun, name, _ in all_commands():
        path = "; or ".join(f"__odbctl_is {words}" for words in spellings(noun, name))
        for option in _options(noun, name):
            words = [_fish_name(n) for n in option.names]
            value = " -r" if option.has_value else ""
            text = option.help.replace("\\", "\\\\").replace("'", "\\'")
            yield f"complete -c odbctl -n '{path}' {' '.join(words)}{value} -d '{text}'"


def _fish_name(name: str) -> str:
    return f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"


def write_scripts(folder: Path) -> None:
    """Write the scripts of all shells into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for shell, file in FILES.items():
        (folder / file).write_text(completion_script(shell), "utf-8")


if __name__ == "__main__":
    write_scripts(Path(sys.argv[1]))
