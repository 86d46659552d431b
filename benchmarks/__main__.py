"""`python -m benchmarks`: measure, print the table, and write it as JSON if asked to."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import (
    GROUPS,
    Options,
    as_json,
    choose_groups,
    clean_environment,
    format_table,
    machine_line,
    run_groups,
)

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are asked for; a missed target is no failure of theirs."""
    words = _parser().parse_args(arguments)
    names = choose_groups(words.filters)
    if words.exact:
        names = [name for name in GROUPS if name in words.exact]
    if not names:
        print(f"no such group; there are: {', '.join(GROUPS)}", file=sys.stderr)
        return EXIT_USAGE
    options = Options(is_quick=words.quick, is_smoke=words.smoke)
    machine = machine_line()
    clean_environment()
    try:
        report = run_groups(names, options)
    except KeyboardInterrupt:
        print("interrupted; all that was started has been ended", file=sys.stderr)
        return EXIT_INTERRUPTED
    print(f"\n{machine}\n\n{format_table(report.rows)}")
    if words.json is not None:
        words.json.write_text(json.dumps(as_json(report, options), indent=2) + "\n")
    for failure in report.failures:
        print(failure, file=sys.stderr)
    return EXIT_FAILURE if report.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "-k", dest="filters", action="append", default=[], metavar="FILTER",
        help=f"only groups whose name contains this; repeatable ({', '.join(GROUPS)})",
    )  # fmt: skip
    parser.add_argument(
        "--exact", action="append", default=[], metavar="GROUP", help="only this group; repeatable"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to a file")
    parser.add_argument(
        "--quick", action="store_true", help="few rounds: to see that it works, not how fast"
    )
    parser.add_argument(
        "--smoke", action="store_true", help="once and tiny, without peers: what the tests run"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
