"""Every command: its noun, verb and one-line help, as plain data.

The root help, the help of a noun and the choice of the one module to import
come from here, so that no command pays for the others. A test holds this
table equal to what the modules define. Runs in the command line's process.
"""

from __future__ import annotations

NOUNS: dict[str, tuple[str, dict[str, str]]] = {
    "codebase": (
        "Commits of git repositories that services run from",
        {
            "add": "Check out the commit of a git ref and add it",
            "list": "List codebases",
            "show": "Show one codebase",
            "services": "List the service classes in a codebase, without importing it",
            "remove": "Remove all unused versions of NAME, or the one of NAME@REF",
            "prune": "Remove unused checkouts and mirrors",
        },
    ),
    "service": (
        "Supervised classes, each with a number of instances",
        {
            "create": "Create a service from a class in a codebase",
            "set": "Change a service: its supervision, configuration and environment",
            "edit": "Change a service in an editor",
            "list": "List services",
            "show": "Show everything about a service",
            "start": "Start a service and wait until it runs",
            "stop": "Stop a service and wait until it has stopped",
            "run": "Run a job now, independently of its schedule",
            "runs": "List the runs of a service with their times and exits",
            "restart": "Replace the instances of a service with new ones",
            "scale": "Set the desired number of instances and wait until they run",
            "status": "Show the state of services; exit 3 when none is ready",
            "logs": "Print the output of services",
            "configure": "Change a service's configuration, as a new release",
            "deploy": "Deploy another commit: start new instances, then stop the old ones",
            "rollback": "Return to an earlier release, by default the previous one",
            "history": "List the releases of a service",
            "lock": "Lock the codebase of a service against changes",
            "prepare": "Allow one change of the codebase, then lock it",
            "unlock": "Unlock the codebase of a service",
            "reset": "Reset failure counters and retry at once",
            "exec": "Run a command in the environment of an instance",
            "shell": "Open a shell in the environment of an instance",
            "remove": "Stop a service and remove it",
        },
    ),
    "instance": (
        "Single runs of a service, each with a process",
        {
            "list": "List instances",
            "show": "Show one instance",
            "logs": "Print the output of one instance",
            "figures": "Show the resource use of an instance: CPU, memory, files, threads",
            "stop": "Stop one instance; its service starts a replacement",
            "kill": "Kill one instance; its service starts a replacement",
        },
    ),
    "host": (
        "Where instances run",
        {
            "list": "List hosts",
            "show": "Show one host",
            "drain": "Place no new instances on a host; running instances stay",
            "undrain": "Place instances on a host again",
            "set": "Change the limits and the placement group of a host",
            "edit": "Change a host in an editor",
            "enable": "Place instances on a host again: the same as undrain",
            "disable": "Place no new instances on a host: the same as drain",
            "remove": "Remove a host that has no manager",
        },
    ),
    "manager": (
        "The background process that starts, stops and supervises instances",
        {
            "run": "Run a manager in the foreground",
            "start": "Start a manager in the background",
            "stop": "Stop a manager; services keep running unless --with-services",
            "restart": "Replace a manager with a new one; services keep running",
            "status": "Show the managers; exit 3 when none runs",
            "logs": "Print the log of a manager",
            "install": "Install a systemd unit, or print a crontab line, for a manager",
        },
    ),
    "event": (
        "What happened, and why",
        {
            "list": "List events, the newest last",
            "watch": "Print events as they happen, until interrupted",
        },
    ),
    "hook": (
        "Commands and URLs that are called on events",
        {
            "add": "Add a hook: a command or a URL that is called on events",
            "list": "List hooks",
            "show": "Show one hook",
            "set": "Change a hook",
            "edit": "Change a hook in an editor",
            "enable": "Call a hook again, on events from now on",
            "disable": "Stop calling a hook; its settings are kept",
            "test": "Call a hook now with a test event",
            "remove": "Remove a hook",
        },
    ),
    "db": (
        "The object database of the home",
        {
            "types": "List the types of objects, with their fields and indexes",
            "path": "Print the path of the database file",
            "list": "List objects of a type, the oldest first",
            "show": "Show one object with every field",
            "watch": "Print commits as they happen",
            "check": "Check the database; exit 1 when something is wrong",
            "backup": "Write a backup while everything keeps running",
            "restore": "Restore a backup; the previous database is kept",
        },
    ),
    "config": (
        "Settings of the command line",
        {
            "show": "Show every setting, and where it comes from",
            "path": "Print the files that settings are read from",
        },
    ),
}

# Top-level words for daily work, by the verb of `service` that they stand for.
SHORTCUTS: dict[str, str] = {
    "start": "start",
    "stop": "stop",
    "restart": "restart",
    "logs": "logs",
    "status": "status",
    "exec": "exec",
    "deploy": "deploy",
    "rollback": "rollback",
    "scale": "scale",
    "edit": "edit",
    "ls": "list",
    "rm": "remove",
}

# Short forms of verbs, in every noun that has the verb.
ALIASES: dict[str, str] = {"ls": "list", "rm": "remove"}

TOP: dict[str, str] = {
    "ps": "List the instances of all services",
    "why": "Explain the state of a service: counts, reasons, last exits",
    "metrics": "Print metrics in the text format of Prometheus, or serve them at /metrics",
    "tui": "Open the dashboard; closing it stops nothing",
    "demo": "Run a demonstration in a temporary home",
    "doctor": "Check this machine and home; exit 1 when a check fails",
    "completion": "Print the completion script of a shell",
    "version": "Print the version",
    "help": "Show help: of a command, or on exit-codes",
}

# A noun's commands live in the module of its name, those without one in `top`, but for these.
_RELEASES = ("restart", "configure", "deploy", "rollback", "history", "lock", "prepare", "unlock")
_MODULES: dict[tuple[str | None, str], str] = {
    (None, "demo"): "demo.command",
    (None, "completion"): "completion.command",
    **{("service", verb): "service.releases" for verb in _RELEASES},
    **{("service", verb): "service.creation" for verb in ("create", "set")},
    ("service", "edit"): "service.editing",
    **{("service", verb): "service.execution" for verb in ("exec", "shell")},
}

# Commands that print a list: they take -q, --no-headers, --sort and --filter.
LISTINGS: frozenset[tuple[str | None, str]] = frozenset(
    {
        (None, "ps"),
        (None, "doctor"),
        ("codebase", "list"),
        ("codebase", "services"),
        ("service", "list"),
        ("service", "runs"),
        ("service", "status"),
        ("service", "history"),
        ("instance", "list"),
        ("instance", "figures"),
        ("host", "list"),
        ("manager", "status"),
        ("event", "list"),
        ("hook", "list"),
        ("db", "types"),
        ("db", "list"),
        ("db", "check"),
        ("config", "show"),
    }
)

# Commands whose output has one form, or that hand the terminal over: they refuse -o.
UNFORMATTED: frozenset[tuple[str | None, str]] = frozenset(
    {
        (None, "metrics"),
        (None, "completion"),
        (None, "tui"),
        (None, "demo"),
        ("service", "exec"),
        ("service", "shell"),
        ("manager", "run"),
    }
)

EXIT_CODES: tuple[tuple[int, str], ...] = (
    (0, "done"),
    (1, "failed"),
    (2, "wrong usage: an unknown command, option or value"),
    (3, "not running (`status`)"),
    (4, "no such object"),
    (5, "the manager is unreachable, or runs an older odbctl"),
    (6, "not permitted"),
    (7, "conflict: it already exists, is in use or is locked"),
    (8, "partly done"),
    (124, "timed out; the change continues in the background"),
    (130, "interrupted; the change continues in the background"),
)


def module_of(noun: str | None, command: str) -> str:
    """Return the module that defines a command."""
    of_noun = {None: "top_level", "service": "service.control"}
    found = _MODULES.get((noun, command)) or of_noun.get(noun) or noun
    return f"odbctl.commands.{found}"


def resolve(noun: str, verb: str) -> str | None:
    """Return the verb of a noun that a word names, directly or by an alias; None if none does."""
    verbs = NOUNS[noun][1]
    if verb in verbs:
        return verb
    verb = ALIASES.get(verb, verb)
    return verb if verb in verbs else None


def spellings(noun: str | None, name: str) -> list[str]:
    """Return the ways to type a command, the long form first."""
    if noun is None:
        return [name]
    found = [f"{noun} {name}"]
    found += [f"{noun} {alias}" for alias, verb in ALIASES.items() if verb == name]
    if noun == "service":
        found += [word for word, verb in SHORTCUTS.items() if verb == name]
    return found


def all_commands() -> list[tuple[str | None, str, str]]:
    """Return (noun or None, command, help) of every command."""
    found: list[tuple[str | None, str, str]] = [
        (noun, verb, text) for noun, (_, verbs) in NOUNS.items() for verb, text in verbs.items()
    ]
    return found + [(None, name, text) for name, text in TOP.items() if name != "help"]
