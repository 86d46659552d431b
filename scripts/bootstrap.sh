#!/usr/bin/env bash
# Make .venv ready for a purpose: `scripts/bootstrap.sh runtime` or `... dev`.
#
# Instant when nothing changed since. PYTHON=/path/to/python chooses the interpreter.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
source scripts/system.sh

purpose=${1:-dev}
venv=.venv
# pip's index and proxies come from its own configuration; a pinned target would misplace things.
unset PIP_REQUIRE_VIRTUALENV PIP_TARGET PIP_PREFIX PIP_USER PYTHONHOME

# What a finished set-up was made from; another folder or pyproject.toml makes it stale.
fingerprint() { pwd -P; cat pyproject.toml; }
is_current() { [ -f "$venv/made-for-$1" ] && fingerprint | cmp -s - "$venv/made-for-$1"; }
is_ready() { is_current dev || is_current "$purpose"; }

candidates() {
    if [ -n "${PYTHON:-}" ]; then
        echo "$PYTHON"
        return
    fi
    echo python3
    printf 'python3.%s\n' 13 12 11 14
    ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3 2>/dev/null || true
}

# Print the interpreter itself, never a shim or a virtual environment's link to it.
real_python() {
    "$1" -c 'import sys; sys.version_info >= (3, 11) or sys.exit(1); print(sys._base_executable)' \
        2>/dev/null
}

# Print the first Python >= 3.11 for which a statement works, or fail.
find_python() {
    local candidate python
    while read -r candidate; do
        python=$(real_python "$candidate") || continue
        "$python" -c "$1" 2>/dev/null || continue
        echo "$python"
        return
    done < <(candidates)
    return 1
}

choose_python() {
    local makes_environments='import ensurepip, venv; ensurepip.version' python version
    find_python "$makes_environments" && return
    if python=$(find_python pass); then # Debian keeps ensurepip in a package of its own
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        install_packages "python$version-venv"
    elif [ -z "${PYTHON:-}" ]; then
        install_packages python3 python3-venv
    fi
    find_python "$makes_environments" || fail "no Python >= 3.11 that can make virtual environments" \
        "install one, or name it: PYTHON=/path/to/python3.12 make $purpose"
}

# Its scripts name the folder it was made in (pyvenv.cfg knows it), so a moved one is made anew.
is_usable() {
    grep -qF " $(pwd -P)/$venv" "$venv/pyvenv.cfg" 2>/dev/null &&
        "$venv/bin/python" -c 'import pip' 2>/dev/null
}

make_venv() {
    local python
    is_usable && return
    python=$(choose_python)
    say "making $venv with $python ..."
    "$python" -m venv --clear "$venv"
}

pip() { "$venv/bin/python" -m pip --disable-pip-version-check --no-input -qq "$@"; }

install_odbctl() {
    rm -f "$venv"/made-for-*
    say "installing odbctl for $purpose ..."
    if [ "$purpose" = dev ]; then
        pip install "pip>=25.1" # the first that knows dependency groups
        pip install --editable . --group dev
    else
        pip install --editable .
    fi
    fingerprint >"$venv/made-for-$purpose"
}

case $purpose in runtime | dev) ;; *) fail "unknown purpose: $purpose" "runtime or dev" ;; esac
is_ready && exit 0
command -v git >/dev/null || install_packages git
if command -v flock >/dev/null; then # two makes at once: the second waits and finds it done
    exec 9>.venv.lock
    flock 9
    is_ready && exit 0
fi
make_venv
install_odbctl
