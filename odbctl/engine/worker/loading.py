"""Importing a service class from a codebase, in the process that will run it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from odbctl.engine.worker.service_base import ServiceBase


class ClassNotFoundError(Exception):
    """The module has no such class; `near` names those that it has."""

    def __init__(self, module: str, class_name: str, near: Sequence[str]) -> None:
        super().__init__(f"module {module!r} has no class {class_name!r}")
        self.near = tuple(near)


class NotAServiceError(Exception):
    """What the name stands for is no subclass of ServiceBase."""


def use_codebase(source_roots: Sequence[str], pycache: str | None) -> None:
    """Put a codebase's folders first on the path; keep its byte code outside its tree."""
    sys.path[:0] = [root for root in source_roots if root not in sys.path]
    if pycache is not None:
        sys.pycache_prefix = pycache
        sys.dont_write_bytecode = False  # whatever the manager's environment says


def forget_other_codebases(source_roots: Sequence[str], checkouts: str) -> None:
    """Forget modules of other codebases, so that a name means this codebase's module.

    Needed only where one process runs several codebases in turn.
    """
    inside = tuple(os.path.join(root, "") for root in source_roots)
    prefix = os.path.join(checkouts, "")
    sys.path[:] = [p for p in sys.path if not p.startswith(prefix) or p in source_roots]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and file.startswith(prefix) and not file.startswith(inside):
            del sys.modules[name]


def load_service_class(module_name: str, class_name: str) -> type[ServiceBase]:
    """Import a module and return its service class.

    Raises:
        ClassNotFoundError: The module has no such attribute.
        NotAServiceError: The attribute is no subclass of ServiceBase.
        Exception: Whatever importing the module raises.
    """
    module = import_module(module_name)
    found: object = module
    for part in class_name.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise ClassNotFoundError(module_name, class_name, near_classes(module, class_name))
    if isinstance(found, type) and issubclass(found, ServiceBase) and found is not ServiceBase:
        return found
    raise NotAServiceError(f"{module_name}:{class_name} does not derive from odbctl.ServiceBase")


def near_classes(module: ModuleType, class_name: str) -> list[str]:
    """Return the module's service classes, the most alike first."""
    names = [
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, ServiceBase) and value is not ServiceBase
    ]
    import difflib

    return difflib.get_close_matches(class_name, names, n=3, cutoff=0.0)
