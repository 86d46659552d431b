#!/usr/bin/env bash
# All checks: the static ones side by side, then the tests. Fails if any of them does.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
source scripts/system.sh

bin=.venv/bin
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
failed=0
names=()

# Run a check in the background; its output is shown only if it fails.
check() {
    local name=$1
    shift
    names+=("$name")
    {
        "$@" >"$reports/$name" 2>&1
        echo $? >"$reports/$name.status"
    } &
}

check format $bin/ruff format --check --output-format concise .
check lint $bin/ruff check --output-format concise .
check imports $bin/lint-imports --no-cache
check mypy $bin/mypy
check pyright $bin/pyright
wait

for name in "${names[@]}"; do
    if [ "$(cat "$reports/$name.status")" = 0 ]; then
        say "$name: ok"
    else
        failed=1
        cat "$reports/$name" >&2
        say "$name: FAILED"
    fi
done

$bin/python -m pytest -q -n auto --dist worksteal || failed=1
exit $failed
