"""Looking at a service class, in a process of its own, in its own environment.

`python -c … check` reads a question as JSON from standard input and prints
the answer as the last line of its standard output; what the author's module
prints goes to standard error meanwhile.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from odbctl.engine.worker.configuration import build_config
from odbctl.engine.worker.error_line import last_line
from odbctl.engine.worker.loading import (
    ClassNotFoundError,
    NotAServiceError,
    load_service_class,
    use_codebase,
)
from odbctl.engine.worker.service_base import ServiceBase

_LONGEST_TEXT = 2000
# No machine has as many cores or GB.
_MOST_AMOUNT = 1_000_000


def answer(question: dict[str, Any]) -> dict[str, object]:
    """Import the class that is asked about and say what it is, or why it is not.

    The answer has `problem` (None, "missing", "not-a-service", "import",
    "dependency", "config" or "resources"), and then `message` and `near`, or `cores`,
    `ram_gb`, `config`.
    """
    use_codebase(question["source_roots"], question["pycache"])
    try:
        service_class = load_service_class(question["module"], question["class_name"])
    except ClassNotFoundError as error:
        return {"problem": "missing", "message": str(error), "near": error.near}
    except NotAServiceError as error:
        return {"problem": "not-a-service", "message": str(error), "near": []}
    except ModuleNotFoundError as error:
        # A typo in the question, or an import inside the module that fails?
        is_asked_for = f"{question['module']}.".startswith(f"{error.name}.")
        return {"problem": "missing" if is_asked_for else "dependency", **_told(error)}
    except BaseException as error:  # noqa: BLE001 - the author's module may raise anything
        return {"problem": "import", **_told(error)}
    try:
        config = dict(question["config"])
        if (words := question["arguments"]) is not None:
            config |= _configure(service_class, question, words)
        build_config(service_class.Config, config)
    except Exception as error:  # noqa: BLE001 - the author's Config may raise anything
        return {"problem": "config", "message": _text(error), "near": []}
    try:
        cores = _amount("cores_used", service_class.cores_used)
        ram_gb = _amount("gb_ram_used", service_class.gb_ram_used)
    except Exception as error:  # noqa: BLE001 - the author may have made them properties
        return {"problem": "resources", "message": _text(error), "near": []}
    doc = (service_class.__doc__ or "").strip().splitlines()
    return {
        "problem": None,
        "cores": cores,
        "ram_gb": ram_gb,
        "config": config,
        "doc": doc[0][:_LONGEST_TEXT] if doc else "",
        "has_health": service_class.health is not ServiceBase.health,
    }


def _told(error: BaseException) -> dict[str, object]:
    last = last_line(error)
    if isinstance(error, SyntaxError):
        last = f"{type(error).__name__}: {error}"  # with its file and line, which stand above
    return {"message": last[:_LONGEST_TEXT], "near": []}


def _text(error: Exception) -> str:
    """Return an error's message, which the author may have made anything."""
    try:
        return str(error)[:_LONGEST_TEXT]
    except Exception:  # noqa: BLE001 - the author's __str__
        return type(error).__name__


def _amount(name: str, value: Any) -> float:
    """Return what an instance reserves.

    Raises:
        ValueError: It is not a number, negative, infinite or not a number at all.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (is_number and 0 <= value <= _MOST_AMOUNT):
        raise ValueError(f"{name} must be a number from 0 to {_MOST_AMOUNT:,}, not {value!r:.80}")
    return float(value)


def _configure(service_class: Any, question: dict[str, Any], words: list[str]) -> dict[str, Any]:
    if question["service_id"] is None:
        from odbctl.engine.worker.configuration import parse_assignments

        return dict(parse_assignments(service_class.Config, words))
    from odbctl.engine.model.core import Service
    from odbctl.engine.odb import Database

    db = Database(Path(question["database"]), run_dir=Path(question["run"]))
    try:
        service = Service.from_oid(question["service_id"])
        return dict(service_class.configure_from_commandline(db, service, words))
    finally:
        db.close()


def main() -> None:
    """Answer the question on standard input."""
    question = json.loads(sys.stdin.read())
    real_stdout = os.dup(1)
    os.dup2(2, 1)
    result = json.dumps(answer(question))
    sys.stdout.flush()
    os.write(real_stdout, result.encode())
    os._exit(0)
