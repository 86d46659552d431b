"""One object as YAML for a person to read; what may be a secret is masked."""

from __future__ import annotations

from collections.abc import Callable

from odbctl.engine.api.codebases import list_codebases
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.events import EventFilter, find_events
from odbctl.engine.api.instance_listing import show_instance
from odbctl.engine.api.status import list_releases, service_status, show_host
from odbctl.engine.api.yaml_documents import to_yaml
from odbctl.errors import NotFoundError
from odbctl.masking import mask_document


def object_text(engine: Engine, kind: str, key: str) -> str:
    """Return an object as YAML.

    Args:
        engine: The opened home.
        kind: The plural of what it is, as `services`.
        key: Its name; of a deploy `SERVICE/NUMBER`, of a codebase `NAME@COMMIT/ADDED_AT`,
            of an event `AT/OBJECT/REASON`.

    Raises:
        NotFoundError: It is gone.
    """
    readers: dict[str, Callable[[Engine, str], object]] = {
        "services": service_status,
        "instances": show_instance,
        "hosts": show_host,
        "codebases": _codebase,
        "deploys": _release,
        "events": _event,
    }
    if kind not in readers:
        raise NotFoundError("kind", kind)
    return to_yaml(mask_document(readers[kind](engine, key)))


def _codebase(engine: Engine, key: str) -> object:
    for each in list_codebases(engine):
        if key == f"{each['name']}@{each['commit'][:12]}/{each['added_at']}":
            return each
    raise NotFoundError("codebase", key)


def _release(engine: Engine, key: str) -> object:
    service, _, number = key.rpartition("/")
    for each in list_releases(engine, service):
        if str(each["number"]) == number:
            return each
    raise NotFoundError("release", key)


def _event(engine: Engine, key: str) -> object:
    at, _, rest = key.partition("/")
    wanted = EventFilter(since=float(at), until=float(at))
    for each in find_events(engine, wanted, limit=None):
        if rest.startswith(f"{each['object']}/{each['reason']}"):
            return each
    raise NotFoundError("event", key)
