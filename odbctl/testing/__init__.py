"""What tests of services and schemas need; standard library only.

    with odbctl.testing.run_service(Hello, configuration={"name": "ann"}) as running:
        running.wait_for(lambda: Greeting.lookup_count() == 1)

With pytest, `pytest_plugins = ["odbctl.testing.plugin"]` in a conftest.py gives the same as
fixtures.
"""

from __future__ import annotations

from odbctl.testing.running_service import RunningService, run_service

__all__ = ["RunningService", "run_service"]
