"""Looking at a service class before it is used, in a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from odbctl.engine.api.engine import Engine
from odbctl.engine.codebases.discovery import find_services, near_services
from odbctl.engine.managers.interpreters import python_command
from odbctl.engine.managers.launches import codebase_pycache, codebase_roots
from odbctl.engine.model.core import Codebase, ConfigValue
from odbctl.errors import ServiceClassError, UsageError

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFacts:
    """What a service class says of itself."""

    cores: float
    ram_gb: float
    config: dict[str, ConfigValue]
    doc: str
    has_health: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassQuestion:
    """A class of a codebase, with the configuration that it is to take."""

    module: str
    class_name: str
    config: Mapping[str, ConfigValue]
    env: Mapping[str, str] = field(repr=False)
    arguments: Sequence[str] | None = None
    service_id: int | None = None

    @property
    def spec(self) -> str:
        """The class as `module:Class`."""
        return f"{self.module}:{self.class_name}"


def parse_class_spec(spec: str) -> tuple[str, str]:
    """Split `module:Class`.

    Raises:
        UsageError: It is not of that form.
    """
    module, sign, class_name = spec.partition(":")
    parts = [*module.split("."), *class_name.split(".")]
    if not sign or not all(part.isidentifier() for part in parts):
        raise UsageError(
            f"{spec!r} is not module:Class", hint="as in hello_world.service:HelloService"
        )
    return module, class_name


def check_class(engine: Engine, codebase: Codebase, question: ClassQuestion) -> ClassFacts:
    """Import a class in its codebase's environment and return what it says of itself.

    Needs an open view. The author's code runs in the other process only.

    Raises:
        ServiceClassError: It is missing, is no service or does not import.
        UsageError: It does not take the configuration.
    """
    answer = _ask(engine, codebase, question)
    match answer["problem"]:
        case None:
            return ClassFacts(
                cores=answer["cores"],
                ram_gb=answer["ram_gb"],
                config=answer["config"],
                doc=answer["doc"],
                has_health=answer["has_health"],
            )
        case "config":
            raise UsageError(
                f"{question.spec} does not take this configuration: {answer['message']}"
            )
        case _:
            hint = _hint(codebase, question, answer["problem"])
            message = answer["message"].removeprefix(f"{question.spec} ")
            raise ServiceClassError(f"{question.spec}: {message}", hint=hint)


def _ask(engine: Engine, codebase: Codebase, question: ClassQuestion) -> dict[str, Any]:
    import os

    fields = {
        "module": question.module,
        "class_name": question.class_name,
        "config": dict(question.config),
        "arguments": list(question.arguments) if question.arguments is not None else None,
        "service_id": question.service_id,
        "source_roots": codebase_roots(codebase),
        "pycache": codebase_pycache(engine.home, codebase),
        "database": str(engine.home.database),
        "run": str(engine.home.run),
    }
    try:
        ended = subprocess.run(
            python_command(engine.home, codebase.python, "odbctl.engine.worker.check:main"),
            input=json.dumps(fields),
            capture_output=True,
            text=True,
            cwd=engine.home.run,
            env={**os.environ, **question.env},
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ServiceClassError(
            f"{question.spec}: importing it took more than {TIMEOUT_SECONDS:g} s"
        ) from error
    if not ended.stdout:
        last = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
        raise ServiceClassError(f"{question.spec}: the process that imported it ended: {last}")
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def _hint(codebase: Codebase, question: ClassQuestion, problem: str) -> str | None:
    match problem:
        case "import":
            return None
        case "dependency":
            return f"add the codebase with an environment that has it: {_add_with_python(codebase)}"
        case _:
            return _near_hint(codebase, question)


def _add_with_python(codebase: Codebase) -> str:
    import shlex

    words = ["odbctl", "codebase", "add", codebase.commit[:12], "--repo", codebase.location]
    words += ["--name", codebase.name]
    if codebase.source_root is not None:
        words += ["--source-root", codebase.source_root]
    return f"{shlex.join(words)} --python PATH"


def _near_hint(codebase: Codebase, question: ClassQuestion) -> str | None:
    found = find_services(Path(codebase.tree), source_root=codebase.source_root)
    near = near_services(found, question.spec)
    if near and question.spec not in near:
        return "did you mean " + " or ".join(near) + "?"
    return f"odbctl codebase services {codebase.name}"
