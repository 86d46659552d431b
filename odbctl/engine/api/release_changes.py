"""What a release changes, as texts for people: recorded with it and shown in the history. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from odbctl.engine.model.core import Codebase, ConfigValue, Release
from odbctl.masking import is_secret_name, mask_text

if TYPE_CHECKING:
    from odbctl.engine.api.class_check import ClassQuestion

LONGEST_VALUE = 60


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


def answer_text(release: Release) -> str:
    """Say in a line which release it is, what it runs and what it changed."""
    return "; ".join([f"release {release.number}, {_commit_text(release)}", *_values(release)])


def current_texts(release: Release) -> list[str]:
    """Return the configuration and the environment of a release, without secrets."""
    return [*_config_changes({}, release.config), *_env_changes({}, release.env)]


def release_text(release: Release) -> str:
    """Say what `answer_text` says, and what made the release: for events and `why`."""
    action = action_text(release)
    head = f"release {release.number}{f' ({action})' if action else ''}: {_commit_text(release)}"
    return "; ".join([head, *_values(release)])


def _commit_text(release: Release) -> str:
    commit, ref = release.commit, release.asked_ref
    return f"commit {commit[:12]}" if commit.startswith(ref) else f"{ref} is commit {commit[:12]}"


def _values(release: Release) -> list[str]:
    """Return the changes beside the commit, as one text or none."""
    values = [change for change in release.changes if not change.startswith("commit ")]
    return [", ".join(values)] if values else []


def _code_changes(old: Codebase, new: Codebase) -> list[str]:
    changes = [f"commit {new.commit[:12]}"] if new.commit != old.commit else []
    if new.name != old.name:
        changes.append(f"codebase {new.name}")
    if new.location != old.location:
        changes.append(f"repository {new.location}")
    if new.source_root != old.source_root:
        changes.append(
            f"source root {new.source_root}" if new.source_root else "default source root"
        )
    if new.python != old.python:
        changes.append(f"python {new.python}" if new.python else "default python")
    return changes


def _config_changes(old: Mapping[str, ConfigValue], new: Mapping[str, ConfigValue]) -> list[str]:
    changed = [name for name, value in new.items() if name not in old or old[name] != value]
    removed = [name for name in old if name not in new]
    return [
        *(name if is_secret_name(name) else f"{name}={_short(new[name])}" for name in changed),
        *(f"{name} unset" for name in removed),
    ]


def _env_changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    changed = [name for name, value in new.items() if old.get(name) != value]
    removed = [name for name in old if name not in new]
    return [*(f"env {name}" for name in changed), *(f"env {name} unset" for name in removed)]


def _short(value: ConfigValue) -> str:
    text = mask_text(str(value))
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
