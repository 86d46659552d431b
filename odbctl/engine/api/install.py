"""The use case of having the system keep a manager: a systemd unit, or a plain line.

Only the manager is the system's to restart: the services are not stopped with it
(`KillMode=process`), and the next manager adopts them.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from odbctl.engine.managers.background import ManagerOptions
from odbctl.errors import NotPermittedError
from odbctl.paths import HOME_VARIABLE, Home

SYSTEM_UNITS = Path("/etc/systemd/system")
_FLAGS = (
    ("placement", "--placement"),
    ("cores", "--cores"),
    ("ram_gb", "--ram-gb"),
    ("max_instances", "--max-instances"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit file: where it belongs, what it says, and what to do with it."""

    path: Path
    text: str
    commands: tuple[str, ...]


def make_unit(home: Home, options: ManagerOptions, *, is_system: bool) -> Unit:
    """Make a systemd unit that runs a manager of a home.

    Args:
        home: The home.
        options: The manager's.
        is_system: For the whole machine instead of this user; it runs as this user all
            the same.
    """
    name = unit_name(options.host.name)
    user = () if is_system else ("--user",)
    systemctl = " ".join(("systemctl", *user))
    wanted_by = "multi-user.target" if is_system else "default.target"
    lines = [
        "[Unit]",
        f"Description=odbctl manager of host {options.host.name}",
        "After=network.target" if is_system else "",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=exec",
        f"User={_user()}" if is_system else "",
        f"Environment={_quoted(f'{HOME_VARIABLE}={home.data}')}" if home.data == home.state else "",
        f"ExecStart={' '.join(map(_quoted, manager_command(options)))}",
        "# Services keep running without their manager, which adopts them when it starts again.",
        "KillMode=process",
        "Restart=always",
        "RestartSec=100ms",
        "# If a manager of this host is already running, it stays.",
        "RestartPreventExitStatus=7",
        "# Lets the manager enforce the limits of instances with control groups.",
        "Delegate=yes",
        "OOMPolicy=continue",
        "LimitNOFILE=524288",
        "",
        "[Install]",
        f"WantedBy={wanted_by}",
    ]
    text = "\n".join(line for line in lines if line or lines.index(line) == lines.index("")) + "\n"
    commands = [f"{systemctl} daemon-reload", f"{systemctl} enable --now {name}"]
    if not is_system:
        commands.append("loginctl enable-linger   # keeps it running while you are logged out")
    return Unit(path=_folder(is_system=is_system) / name, text=text, commands=tuple(commands))


def unit_name(host: str) -> str:
    """Name the unit of a host's manager."""
    return "odbctl.service" if host == "local" else f"odbctl-{host}.service"


def manager_command(options: ManagerOptions) -> list[str]:
    """Return the command that runs a manager in the foreground."""
    command = [sys.executable, "-m", "odbctl", "manager", "run", "--host", options.host.name]
    for field, flag in _FLAGS:
        if value := getattr(options.host, field):
            command += [flag, str(value)]
    if options.strategy != "subprocess":
        command += ["--strategy", options.strategy]
    if options.start_method:
        command += ["--start-method", options.start_method]
    return command


def make_init_line(home: Home, options: ManagerOptions) -> str:
    """Return a line for a crontab, for machines without systemd."""
    prefix = f"{HOME_VARIABLE}={shlex.quote(str(home.data))} " if home.data == home.state else ""
    command = manager_command(options)
    command[command.index("run")] = "start"
    return f"@reboot {prefix}{shlex.join(command)}"


def write_unit(unit: Unit) -> bool:
    """Write a unit file; return whether anything was to be changed.

    Raises:
        NotPermittedError: The folder cannot be written.
    """
    try:
        if unit.path.exists() and unit.path.read_text() == unit.text:
            return False
        unit.path.parent.mkdir(parents=True, exist_ok=True)
        unit.path.write_text(unit.text)
    except OSError as error:
        raise NotPermittedError(
            f"cannot write {unit.path}: {error.strerror}",
            hint="odbctl manager install --print    (prints the unit, to install it by hand)",
        ) from error
    return True


def _folder(*, is_system: bool) -> Path:
    if is_system:
        return SYSTEM_UNITS
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(base, "systemd", "user")


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def _quoted(word: str) -> str:
    """Quote a word as systemd reads it (systemd.service(5), systemd.unit(5))."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{plain}"' if plain != word or any(c.isspace() or c in "';" for c in word) else word
