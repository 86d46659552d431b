"""Where a database may be: not on a disk that several machines have mounted."""

from __future__ import annotations

from pathlib import Path

import pytest
from bank_schema import Account

from odbctl.engine.odb import Database, filesystem
from odbctl.errors import StoreError


def test_new_database_on_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Mounting one needs a server; what the kernel says of it is enough.
    def kind_of(_: object) -> str:
        return "nfs4"

    monkeypatch.setattr(filesystem, "kind_of", kind_of)
    with Database(tmp_path / "odb.db") as database:
        with pytest.raises(StoreError, match="nfs4, a network file system") as caught:
            database.run(lambda: Account(name="a"))
        assert "disk of this machine" in str(caught.value.hint)
    assert not (tmp_path / "odb.db").exists()
