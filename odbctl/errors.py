"""Every error that odbctl foresees, in one tree.

OdbctlError
├── UsageError               wrong words: a name, an option, a value           exit 2
├── NotRunningError          `status` of something that is not running         exit 3
├── NotFoundError            no such object, with near names                   exit 4
├── ManagerUnreachableError  no manager answers                                exit 5
│   └── ManagerOutdatedError a manager runs an earlier odbctl
├── NotPermittedError        the system or a setting refuses                   exit 6
├── ConflictError            the state of things refuses: in use, exists       exit 7
│   ├── AlreadyExistsError   an object of that name exists
│   ├── CodebaseLockedError  the service refuses a change of its codebase
│   └── RevisionConflictError  another commit changed what this one read
├── PartlyDoneError          some of it was done                               exit 8
├── TimedOutError            not done in time; it goes on in the background    exit 124
├── CodebaseError            git: reference, repository or tree                exit 1
├── HookFailedError          the command or the page of a hook failed          exit 1
├── StartFailedError         a service did not come to run, or a release failed  exit 1
├── ServiceClassError        the class is missing, wrong or does not import    exit 1
└── StoreError               the database file: locked, damaged, newer         exit 1
    ├── StoreBusyError       another program holds the database
    ├── StoreFullError       the disk is full
    ├── ObjectGoneError      a field of an object that was deleted
    ├── UnreadableFieldError a field holds what its class does not take
    └── TransactionError     a view or transaction where none, or no second, may be

A class builds its message from its fields; `code` is stable and is what
scripts may test, `hint` is a command or a step that helps. Used by every
layer, in every process.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping

from odbctl.light_typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import ClassVar

LONGEST_SHOWN = 80


def shown(text: str) -> str:
    """Return a text as messages quote it: escaped, and cut when nobody would read all of it."""
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…")


class OdbctlError(Exception):
    """An error that was foreseen: shown without a traceback."""

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            self.add_note(f"hint: {hint}")


class UsageError(OdbctlError):
    """The words of a command are wrong."""

    code = "usage"
    exit_code = 2


class InvalidNameError(UsageError):
    """A name has characters or a length that names cannot have."""

    code = "invalid-name"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(
            f"{shown(name)} is not a valid {kind} name",
            hint="letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 63",
        )


class NotRunningError(OdbctlError):
    """What was asked about is not running."""

    code = "not-running"
    exit_code = 3


class NotFoundError(OdbctlError):
    """There is no object of that kind and name."""

    code = "not-found"
    exit_code = 4

    def __init__(
        self, kind: str, name: str, *, near: Iterable[str] = (), hint: str | None = None
    ) -> None:
        self.kind = kind
        self.name = name
        self.near = tuple(near)
        if hint is None and self.near:
            hint = "did you mean " + " or ".join(self.near) + "?"
        super().__init__(f"no {kind} {shown(name)}", hint=hint)


class ManagerUnreachableError(OdbctlError):
    """No service manager runs, or it does not answer."""

    code = "manager-unreachable"
    exit_code = 5


class ManagerOutdatedError(ManagerUnreachableError):
    """A manager runs an earlier odbctl, which ignores what was asked for."""

    code = "manager-outdated"


class NotPermittedError(OdbctlError):
    """The operating system or a setting refuses it."""

    code = "not-permitted"
    exit_code = 6


class ConflictError(OdbctlError):
    """The state of things refuses it."""

    code = "conflict"
    exit_code = 7


class AlreadyExistsError(ConflictError):
    """An object of that name exists."""

    code = "already-exists"

    def __init__(self, kind: str, name: str, *, hint: str | None = None) -> None:
        super().__init__(f"{kind} {name!r} already exists", hint=hint)


class CodebaseLockedError(ConflictError):
    """The service refuses a change of its codebase, module or class."""

    code = "codebase-locked"

    def __init__(self, service: str) -> None:
        super().__init__(
            f"the codebase of service {service!r} is locked",
            hint=f"odbctl service prepare {service}    (allows one change)",
        )


class RevisionConflictError(ConflictError):
    """Another commit changed what this transaction had read.

    Attributes:
        database: Of the transaction; None if it conflicted in none.
    """

    code = "revision-conflict"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.database: object = None


class PartlyDoneError(OdbctlError):
    """Some of what was asked was done, some was not."""

    code = "partly-done"
    exit_code = 8


class TimedOutError(OdbctlError):
    """It was not done in time; what was started goes on."""

    code = "timed-out"
    exit_code = 124


class CodebaseError(OdbctlError):
    """Git says no: the repository, the reference or the tree."""

    code = "codebase"


class ServiceClassError(OdbctlError):
    """The service class is missing, is no ServiceBase, or does not import."""

    code = "service-class"


class StartFailedError(OdbctlError):
    """A service did not come to run; `log_lines` are the last records of what failed."""

    code = "start-failed"

    def __init__(
        self, message: str, *, hint: str | None = None, log_lines: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.log_lines = tuple(log_lines)


class HookFailedError(OdbctlError):
    """The command or the page of a hook failed."""

    code = "hook-failed"

    def __init__(self, hook: str, problem: str) -> None:
        self.hook = hook
        super().__init__(f"hook {hook!r} failed: {problem}", hint=f"odbctl hook show {hook}")


class StoreError(OdbctlError):
    """The database file cannot be used."""

    code = "store"


class StoreBusyError(StoreError):
    """Another program holds the database for longer than we wait."""

    code = "store-busy"


class StoreFullError(StoreError):
    """The disk that holds the database is full."""

    code = "store-full"


class ObjectGoneError(StoreError):
    """The object was deleted, or is not in this database."""

    code = "object-gone"

    def __init__(self, class_name: str, oid: int) -> None:
        self.class_name = class_name
        self.oid = oid
        super().__init__(f"{class_name} {oid} does not exist any more")


class UnreadableFieldError(StoreError):
    """A field of one object holds a value that its class does not take."""

    code = "unreadable-field"


class TransactionError(StoreError):
    """A view or transaction is missing, or open where none may be."""

    code = "transaction"


# Of the system, not of what was asked for: out of descriptors, of processes or of memory.
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})


def is_exhausted(error: BaseException) -> bool:
    """Tell whether the system has run out of something, so that an answer is not known.

    Looking at a process must not take that for "there is no such process".
    """
    return isinstance(error, OSError) and error.errno in _EXHAUSTED


def is_transient(error: BaseException) -> bool:
    """Tell whether the same work may succeed later.

    True when the database is busy, full or unreadable, and when the system has run out of
    descriptors or memory. Any other error is about what was written, and comes again.
    """
    passing = (StoreBusyError, StoreFullError, NotPermittedError, RevisionConflictError)
    return isinstance(error, passing) or type(error) is StoreError or is_exhausted(error)
