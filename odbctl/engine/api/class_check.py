"""Looking at a service class before it is used, in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from odbctl.engine.api.bounded_process import Ended, TooMuchOutputError, run_bounded
from odbctl.engine.api.engine import Engine
from odbctl.engine.codebases.discovery import find_services, near_services
from odbctl.engine.managers.interpreters import python_command
from odbctl.engine.managers.launches import codebase_pycache, codebase_roots
from odbctl.engine.model.core import Codebase, ConfigValue
from odbctl.errors import ServiceClassError, UsageError
from odbctl.units import exact_duration

TIMEOUT_SECONDS = 60.0
MOST_ANSWER_BYTES = 16 * 2**20


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
            f"{spec!r} is not module:Class", hint="for example hello_world.service:HelloService"
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
        ended = run_bounded(
            python_command(engine.home, codebase.python, "odbctl.engine.worker.check:main"),
            stdin=json.dumps(fields).encode(),
            cwd=engine.home.run,
            env={**os.environ, **question.env},
            timeout_seconds=TIMEOUT_SECONDS,
            most_output_bytes=MOST_ANSWER_BYTES,
        )
    except TimeoutError as error:
        raise ServiceClassError(
            f"{question.spec}: the import took longer than {exact_duration(TIMEOUT_SECONDS)}"
        ) from error
    except TooMuchOutputError as error:
        raise ServiceClassError(f"{question.spec}: the import printed too much output") from error
    except OSError as error:
        raise ServiceClassError(
            f"{question.spec}: cannot start a process to import it: {error.strerror}"
        ) from error
    return _answer(question, ended)


def _answer(question: ClassQuestion, ended: Ended) -> dict[str, Any]:
    try:
        answer: object = json.loads(ended.output)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and "problem" in answer:
        return cast("dict[str, Any]", answer)
    lines = ended.talk.strip().splitlines()
    last = lines[-1] if lines else f"exit code {ended.exit_code}"
    raise ServiceClassError(
        f"{question.spec}: the import process ended without a result: {last[:500]}"
    )


def _hint(codebase: Codebase, question: ClassQuestion, problem: str) -> str | None:
    match problem:
        case "import" | "resources":
            return None
        case "dependency":
            command = _add_with_python(codebase)
            return f"add the codebase with an environment that has the module: {command}"
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
