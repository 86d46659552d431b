"""Which hosts are without a manager."""

from __future__ import annotations

from stocked_home import stock

from odbctl.engine.managers.identities import absences
from odbctl.engine.model.core import ServiceHost
from odbctl.engine.odb import Database
from odbctl.paths import Home


def test_a_removed_host_lacks_no_manager(home: Home) -> None:
    stock(home)
    with Database(home.database, run_dir=home.run) as db:
        with db.transaction():
            ServiceHost(name="gone", is_removed=True)
            kept = ServiceHost.lookup_one(name="local")
        with db.view():
            assert list(absences()) == [kept.oid]
