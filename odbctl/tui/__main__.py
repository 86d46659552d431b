"""`python -m odbctl.tui`: the dashboard of the default home."""

from odbctl.paths import Home
from odbctl.tui.opening import Options, open_dashboard

open_dashboard(Home.default(), Options())
