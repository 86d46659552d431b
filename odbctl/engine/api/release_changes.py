"""What a release changes, as texts for people: recorded with it and shown in the history. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from odbctl.engine.api.class_check import ClassQuestion
from odbctl.engine.model.core import Codebase, ConfigValue, Release

LONGEST_VALUE = 60
# Values of these names are not repeated in a record that is kept and shown.
_SECRET = re.compile(
    r"pass(word|wd|phrase)?|secret|token|credential|api_?key|private|auth(?!or)", re.IGNORECASE
)


def release_changes(old: Release, *, codebase: Codebase, question: ClassQuestion) -> list[str]:
    """Return what a new release changes beside the release before it.

    Of environment variables only the names are told, and of configuration values whose
    name says that they are secret.

    Args:
        old: The release before.
        codebase: The codebase of the new release.
        question: Class, configuration and environment of the new release.

    Returns:
        Code first, then class, configuration and environment; empty for a restart.
    """
    return [
        *_code_changes(old.codebase, codebase),
        *([f"class {question.spec}"] if question.spec != old.class_spec else []),
        *_config_changes(old.config, question.config),
        *_env_changes(old.env, question.env),
    ]


def action_text(release: Release) -> str:
    """Say what made a release, as `rollback to 3`; empty for releases of earlier versions."""
    if release.action is None:
        return ""
    target = release.rolled_back_to
    return release.action.value if target is None else f"{release.action.value} to {target}"


def release_text(release: Release) -> str:
    """Say in a line which release it is, what made it and what it runs."""
    action = action_text(release)
    commit = release.codebase.commit
    ref = "" if commit.startswith(release.asked_ref) else f"{release.asked_ref} is "
    text = f"release {release.number}{f' ({action})' if action else ''}: {ref}commit {commit[:12]}"
    values = [change for change in release.changes if not change.startswith("commit ")]
    return f"{text}; {', '.join(values)}" if values else text


def _code_changes(old: Codebase, new: Codebase) -> list[str]:
    changes = [f"commit {new.commit[:12]}"] if new.commit != old.commit else []
    if new.name != old.name:
        changes.append(f"codebase {new.name}")
    if new.location != old.location:
        changes.append(f"repository {new.location}")
    if new.source_root != old.source_root:
        changes.append(f"source root {new.source_root or 'by default'}")
    if new.python != old.python:
        changes.append(f"python {new.python or 'of odbctl'}")
    return changes


def _config_changes(old: Mapping[str, ConfigValue], new: Mapping[str, ConfigValue]) -> list[str]:
    changed = [name for name, value in new.items() if name not in old or old[name] != value]
    removed = [name for name in old if name not in new]
    return [
        *(name if _SECRET.search(name) else f"{name}={_short(new[name])}" for name in changed),
        *(f"{name} unset" for name in removed),
    ]


def _env_changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    changed = [name for name, value in new.items() if old.get(name) != value]
    removed = [name for name in old if name not in new]
    return [*(f"env {name}" for name in changed), *(f"env {name} unset" for name in removed)]


def _short(value: ConfigValue) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
