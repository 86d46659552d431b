"""The start method `exec`: a new interpreter for each worker."""

from __future__ import annotations

import json
import os
from pathlib import Path

from odbctl.engine.managers.interpreters import python_command
from odbctl.engine.worker import mark
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.paths import Home


def execute_worker(launch: WorkerLaunch, report: int) -> int:
    """Start an interpreter that runs one instance; return its pid.

    Args:
        launch: What to run.
        report: The descriptor that it says on that it runs.

    Raises:
        OSError: It could not be started.
    """
    import subprocess

    home = Home(
        data=Path(launch.home_data),
        cache=Path(launch.home_cache),
        state=Path(launch.home_state),
    )
    child = subprocess.Popen(
        python_command(home, launch.python, "odbctl.engine.worker.process:main"),
        stdin=subprocess.PIPE,
        pass_fds=(report,),
        start_new_session=True,
        env={**os.environ, mark.VARIABLE: mark.mark_of(launch.run, launch.instance)},
    )
    assert child.stdin is not None  # it was asked for
    with child.stdin:
        fields = {"launch": launch.to_fields(), "report": report}
        child.stdin.write(json.dumps(fields).encode())
    child.returncode = 0  # the launcher reaps, not this object
    return child.pid
