"""`python -m odbctl.tui`: the dashboard of the default home."""

from odbctl.paths import Home
from odbctl.tui.app import run_dashboard

run_dashboard(Home.default())
