"""The peers: how each is installed, set up, asked and ended. Installed into a cache folder.

A tool that cannot be had here is left out, with the reason. What is asked of each is what
its users type; configuration stays as it comes but for where files lie.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import platformdirs

CACHE = platformdirs.user_cache_path("odbctl-benchmarks")
ROTATE_BYTES = 10_000_000
INSTALL_SECONDS = 300.0
DAEMON_SECONDS = 20.0


class UnavailableError(Exception):
    """A tool cannot be had here."""


class Peer(ABC):
    """One tool, in a folder of its own.

    It knows three groups of children: `one`, `many` (a hundred) and others by name.
    """

    name: str
    rotates = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemon: subprocess.Popen[bytes] | None = None
        self.groups: dict[str, tuple[Sequence[str], int]] = {}

    @classmethod
    @abstractmethod
    def install(cls) -> None:
        """Have the tool in the cache.

        Raises:
            UnavailableError: It cannot be had.
        """

    @abstractmethod
    def configure(self) -> None:
        """Write the configuration for `groups`: a command and a count by name."""

    @abstractmethod
    def daemon_command(self) -> list[str]:
        """Return what runs the daemon in the foreground."""

    @abstractmethod
    def start_command(self, group: str) -> list[str]:
        """Return the one command that starts a group."""

    @abstractmethod
    def stop_command(self, group: str) -> list[str]:
        """Return the one command that stops a group."""

    @abstractmethod
    def list_command(self) -> list[str]:
        """Return the command that shows what runs."""

    def environ(self) -> dict[str, str]:
        """Return the environment of all its commands."""
        return dict(os.environ)

    def is_up(self) -> bool:
        """Tell whether the daemon answers."""
        return self.run(self.list_command()).returncode in (0, 3)  # 3: something is stopped

    def run(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        """Run one of its commands."""
        return subprocess.run(
            command, env=self.environ(), cwd=self.folder, capture_output=True, check=False,
            timeout=120,
        )  # fmt: skip

    def begin(self, groups: dict[str, tuple[Sequence[str], int]]) -> None:
        """Configure and start the daemon; no child runs yet."""
        self.groups = groups
        self.configure()
        self.daemon = subprocess.Popen(
            self.daemon_command(), env=self.environ(), cwd=self.folder, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + DAEMON_SECONDS
        while not self.is_up():
            if time.monotonic() > deadline:
                raise UnavailableError(f"{self.name} did not come up")
            time.sleep(0.1)

    def pids(self) -> list[int]:
        """Return the daemon and all that came from it."""
        assert self.daemon is not None
        return descendants(self.daemon.pid)

    def end(self) -> None:
        """End the daemon and all that came from it, by pid."""
        if self.daemon is None:
            return
        found = self.pids()
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(0.3)
        self.daemon.kill()
        self.daemon.wait()


def descendants(top: int) -> list[int]:
    """Return a process and all that descend from it (proc(5), field 4)."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                stat = Path(f"/proc/{name}/stat").read_bytes()
                parent = int(stat[stat.rindex(b")") + 2 :].split()[1])
                children.setdefault(parent, []).append(int(name))
    found = [top]
    for pid in found:
        found += children.get(pid, [])
    return found


def _call(*command: str, cwd: Path | None = None) -> None:
    """Run an installer.

    Raises:
        UnavailableError: It failed.
    """
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, check=False, timeout=INSTALL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(str(error)) from error
    if done.returncode:
        last = (done.stderr or done.stdout).decode(errors="replace").strip().rpartition("\n")[2]
        raise UnavailableError(f"{command[0]}: {last[:200]}")


class _FromVenv(Peer):
    package: str

    @classmethod
    def bin(cls, program: str) -> str:
        """Return a program of the virtual environment."""
        return str(CACHE / cls.package / "bin" / program)

    @classmethod
    def install(cls) -> None:
        folder = CACHE / cls.package
        if (folder / "made").exists():
            return
        venv.create(folder, with_pip=True, clear=True)
        _call(cls.bin("python"), "-m", "pip", "install", "-q", cls.package, "setuptools<81")
        (folder / "made").touch()


class Supervisord(_FromVenv):
    """supervisord: programs of an ini file."""

    name = "supervisord"
    package = "supervisor"

    def configure(self) -> None:
        parts = [
            f"[unix_http_server]\nfile={self.folder}/s.sock",
            f"[supervisord]\nlogfile={self.folder}/d.log\npidfile={self.folder}/d.pid\nminfds=4096",
            "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = "
            "supervisor.rpcinterface:make_main_rpcinterface",
            f"[supervisorctl]\nserverurl=unix://{self.folder}/s.sock",
        ]
        for group, (command, count) in self.groups.items():
            parts.append(
                f"[program:{group}]\ncommand={' '.join(command)}\nautostart=false\n"
                f"numprocs={count}\nprocess_name=%(program_name)s_%(process_num)d\n"
                f"stopwaitsecs=1\nstdout_logfile={self.folder}/{group}-%(process_num)d.log\n"
                f"stdout_logfile_maxbytes={ROTATE_BYTES}\nstdout_logfile_backups=60"
            )
        (self.folder / "conf").write_text("\n\n".join(parts) + "\n")

    def daemon_command(self) -> list[str]:
        return [self.bin("supervisord"), "-n", "-c", f"{self.folder}/conf"]

    def _ctl(self, *words: str) -> list[str]:
        return [self.bin("supervisorctl"), "-c", f"{self.folder}/conf", *words]

    def start_command(self, group: str) -> list[str]:
        return self._ctl("start", f"{group}:*")

    def stop_command(self, group: str) -> list[str]:
        return self._ctl("stop", f"{group}:*")

    def list_command(self) -> list[str]:
        return self._ctl("status", "many:*")


class Circus(_FromVenv):
    """circus: watchers of an ini file."""

    name = "circus"
    package = "circus"

    def configure(self) -> None:
        parts = [
            f"[circus]\nendpoint = ipc://{self.folder}/e\npubsub_endpoint = ipc://{self.folder}/p\n"
            "statsd = False"
        ]
        for group, (command, count) in self.groups.items():
            words = command
            parts.append(
                f"[watcher:{group}]\ncmd = {' '.join(words)}\nnumprocesses = {count}\n"
                f"autostart = False\ncopy_env = True\ngraceful_timeout = 1\n"
                f"stdout_stream.class = FileStream\n"
                f"stdout_stream.filename = {self.folder}/{group}.log\n"
                f"stdout_stream.max_bytes = {ROTATE_BYTES}\nstdout_stream.backup_count = 60"
            )
        (self.folder / "conf").write_text("\n\n".join(parts) + "\n")

    def daemon_command(self) -> list[str]:
        return [self.bin("circusd"), f"{self.folder}/conf"]

    def _ctl(self, *words: str) -> list[str]:
        timeout = ("--timeout", "60")
        return [self.bin("circusctl"), "--endpoint", f"ipc://{self.folder}/e", *timeout, *words]

    def start_command(self, group: str) -> list[str]:
        return self._ctl("start", group)

    def stop_command(self, group: str) -> list[str]:
        return self._ctl("stop", group)

    def list_command(self) -> list[str]:
        return self._ctl("status")


class Pm2(Peer):
    """PM2: apps of an ecosystem file."""

    name = "PM2"
    rotates = False

    @classmethod
    def _bin(cls) -> str:
        return str(CACHE / "pm2" / "node_modules" / ".bin" / "pm2")

    @classmethod
    def install(cls) -> None:
        if not Path(cls._bin()).exists():
            if shutil.which("npm") is None:
                raise UnavailableError("npm is not here")
            (CACHE / "pm2").mkdir(parents=True, exist_ok=True)
            _call("npm", "install", "--silent", "--no-audit", "pm2", cwd=CACHE / "pm2")

    def environ(self) -> dict[str, str]:
        return {**os.environ, "PM2_HOME": str(self.folder / "pm2")}

    def configure(self) -> None:
        for group, (command, count) in self.groups.items():
            app = {
                "name": group,
                "script": command[1],
                "args": list(command[2:]),
                "interpreter": command[0],
                "instances": count,
                "exec_mode": "fork",
                "kill_timeout": 1000,
            }
            text = f"module.exports = {json.dumps({'apps': [app]})}"
            (self.folder / f"{group}.config.js").write_text(text)

    def daemon_command(self) -> list[str]:
        return [self._bin(), "ping"]

    def begin(self, groups: dict[str, tuple[Sequence[str], int]]) -> None:
        self.groups = groups
        self.configure()
        # Not by pipes: the daemon that it starts would keep them open.
        quiet = subprocess.DEVNULL
        self.daemon = subprocess.Popen(
            self.daemon_command(), env=self.environ(), stdin=quiet, stdout=quiet, stderr=quiet
        )
        self.daemon.wait(DAEMON_SECONDS)
        self._pid = int((self.folder / "pm2" / "pm2.pid").read_text())

    def pids(self) -> list[int]:
        return descendants(self._pid)

    def start_command(self, group: str) -> list[str]:
        return [self._bin(), "start", f"{self.folder}/{group}.config.js"]

    def stop_command(self, group: str) -> list[str]:
        return [self._bin(), "delete", group]

    def list_command(self) -> list[str]:
        return [self._bin(), "list"]


class _FromDebian(Peer):
    package: str

    @classmethod
    def bin(cls, program: str) -> str:
        """Return a program of the unpacked package."""
        for folder in ("usr/bin", "bin", "usr/sbin", "sbin"):
            path = CACHE / cls.package / folder / program
            if path.exists():
                return str(path)
        raise UnavailableError(f"{cls.package} has no {program}")

    @classmethod
    def install(cls) -> None:
        folder = CACHE / cls.package
        if (folder / "made").exists():
            return
        if shutil.which("apt-get") is None:
            raise UnavailableError("there is no apt-get here")
        folder.mkdir(parents=True, exist_ok=True)
        _call("apt-get", "download", cls.package, cwd=folder)
        for file in folder.glob("*.deb"):
            _call("dpkg-deb", "-x", str(file), str(folder))
        (folder / "made").touch()

    def environ(self) -> dict[str, str]:
        top = CACHE / self.package
        places = [str(top / each) for each in ("usr/bin", "bin", "usr/sbin", "sbin")]
        libraries = [
            str(top / each) for each in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")
        ]
        return {
            **os.environ,
            "PATH": os.pathsep.join([*places, os.environ["PATH"]]),
            "LD_LIBRARY_PATH": os.pathsep.join(libraries),
        }

    def folders(self, group: str) -> list[str]:
        """Return the service folders of a group."""
        return [f"{self.folder}/sv/{group}-{n}" for n in range(self.groups[group][1])]

    def configure(self) -> None:
        for group, (command, _count) in self.groups.items():
            for folder in map(Path, self.folders(group)):
                folder.mkdir(parents=True)
                self.write_script(folder / "run", " ".join(command))
                (folder / "down").touch()
                if group == "flood":
                    (folder / "log").mkdir()
                    (folder / "logs").mkdir()
                    self.write_script(folder / "log" / "run", self.logger(folder / "logs"))

    def write_script(self, path: Path, command: str) -> None:
        """Write a run script."""
        path.write_text(f"#!/bin/sh\nexec {command}\n")
        path.chmod(0o755)

    def logger(self, folder: Path) -> str:
        """Return the command that logs into a folder, with rotation."""
        raise NotImplementedError

    def is_up(self) -> bool:
        last = self.folders(list(self.groups)[-1])[-1]
        return all(Path(last, "supervise", name).exists() for name in ("control", "status"))


class Runit(_FromDebian):
    """runit: a folder per service below runsvdir."""

    name = "runit"
    package = "runit"

    def configure(self) -> None:
        super().configure()
        for folder in (f for g in self.groups if g == "flood" for f in self.folders(g)):
            Path(folder, "logs", "config").write_text(f"s{ROTATE_BYTES}\nn60\n")

    def logger(self, folder: Path) -> str:
        return f"{self.bin('svlogd')} {folder}"

    def daemon_command(self) -> list[str]:
        return [self.bin("runsvdir"), "-P", f"{self.folder}/sv"]

    def start_command(self, group: str) -> list[str]:
        return [self.bin("sv"), "up", *self.folders(group)]

    def stop_command(self, group: str) -> list[str]:
        return [self.bin("sv"), "-w", "1", "force-stop", *self.folders(group)]

    def list_command(self) -> list[str]:
        return [self.bin("sv"), "status", *self.folders("many")]


class S6(_FromDebian):
    """s6: a folder per service below s6-svscan. Its parts know each other by fixed paths."""

    name = "s6"
    package = "s6"

    @classmethod
    def bin(cls, program: str) -> str:
        return f"/usr/bin/{program}"

    @classmethod
    def install(cls) -> None:
        if shutil.which("s6-svscan") is None:
            if os.getuid() != 0 or shutil.which("apt-get") is None:
                raise UnavailableError("it can be installed for the whole machine only")
            _call("apt-get", "install", "-y", "-qq", "--no-install-recommends", "s6")

    def environ(self) -> dict[str, str]:
        return dict(os.environ)

    def configure(self) -> None:
        super().configure()
        for group in self.groups:
            for folder in self.folders(group):
                Path(folder, "timeout-kill").write_text("1000\n")

    def logger(self, folder: Path) -> str:
        return f"{self.bin('s6-log')} n60 s{ROTATE_BYTES} {folder}"

    def daemon_command(self) -> list[str]:
        return [self.bin("s6-svscan"), "-c", "400", f"{self.folder}/sv"]

    def _each(self, command: str, group: str) -> list[str]:
        prefix = f"{self.folder}/sv/{group}-"
        return ["sh", "-c", f'for d in {prefix}*; do {command} "$d"; done']

    def start_command(self, group: str) -> list[str]:
        return self._each(f"{self.bin('s6-svc')} -u", group)

    def stop_command(self, group: str) -> list[str]:
        return self._each(f"{self.bin('s6-svc')} -d", group)

    def list_command(self) -> list[str]:
        return self._each(self.bin("s6-svstat"), "many")


PEERS: tuple[type[Peer], ...] = (Supervisord, Circus, Pm2, Runit, S6)


def available() -> list[type[Peer]]:
    """Install what can be had; say what cannot."""
    found: list[type[Peer]] = []
    for peer in PEERS:
        try:
            peer.install()
            found.append(peer)
        except UnavailableError as error:
            print(f"without {peer.name}: {error}", file=sys.stderr)
    return found
