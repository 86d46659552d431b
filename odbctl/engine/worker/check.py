"""Looking at a service class, in a process of its own, in its own environment.

`python -c … check` reads a question as JSON from standard input and prints
the answer as the last line of its standard output; what the author's module
prints goes to standard error meanwhile.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from odbctl.engine.worker.configuration import build_config
from odbctl.engine.worker.loading import (
    ClassNotFoundError,
    NotAServiceError,
    load_service_class,
    use_codebase,
)
from odbctl.engine.worker.service_base import ServiceBase


def answer(question: dict[str, Any]) -> dict[str, object]:
    """Import the class that is asked about and say what it is, or why it is not.

    The answer has `problem` (None, "missing", "not-a-service", "import",
    "dependency" or "config"), and then `message` and `near`, or `cores`, `ram_gb`, `config`.
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
        return {"problem": "config", "message": str(error), "near": []}
    doc = (service_class.__doc__ or "").strip().splitlines()
    return {
        "problem": None,
        "cores": float(service_class.cores_used),
        "ram_gb": float(service_class.gb_ram_used),
        "config": config,
        "doc": doc[0] if doc else "",
        "has_health": service_class.health is not ServiceBase.health,
    }


def _told(error: BaseException) -> dict[str, object]:
    last = traceback.format_exception_only(error)[-1].strip()
    if isinstance(error, SyntaxError):
        last = f"{type(error).__name__}: {error}"  # with its file and line, which stand above
    return {"message": last, "near": []}


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
