"""Which commits conflict, and which do not. The rival is another thread."""

# ruff: noqa: PT012, SIM117 - what raises is the end of a transaction, so its body stands inside.

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from bank_schema import Account

from odbctl.engine.odb import Database, DbObject, Schema, Transaction, retry_on_conflict
from odbctl.engine.odb.current import current_view
from odbctl.errors import (
    AlreadyExistsError,
    ObjectGoneError,
    RevisionConflictError,
    TransactionError,
)


@pytest.fixture
def database(any_database: Database) -> Database:
    """What is asked here must hold in every store."""
    return any_database


@pytest.fixture
def account(database: Database) -> Account:
    with database.transaction():
        return Account(name="a", owner="ann")


def rival(database: Database, change: Callable[[], object]) -> None:
    """Commit a change from another thread, now."""
    thread = threading.Thread(target=database.run, args=(change,))
    thread.start()
    thread.join()


def test_lost_update_conflicts(database: Database, account: Account) -> None:
    def add() -> None:
        account.balance += 1

    with pytest.raises(RevisionConflictError, match=r"bank\.Account\.balance of \d+"):
        with database.transaction():
            add()
            rival(database, add)
    with database.view():
        assert account.balance == 1


def test_blind_writes_of_one_field_conflict(database: Database, account: Account) -> None:
    with pytest.raises(RevisionConflictError, match="balance"), database.transaction():
        account.balance = 1
        rival(database, lambda: setattr(account, "balance", 2))


def test_writes_of_different_fields_do_not_conflict(database: Database, account: Account) -> None:
    with database.transaction():
        account.balance = 1
        rival(database, lambda: setattr(account, "limit", 2))
    with database.view():
        assert (account.balance, account.limit) == (1, 2)


def test_write_skew_conflicts(database: Database, account: Account) -> None:
    with database.transaction():
        other = Account(name="b")
    with pytest.raises(RevisionConflictError), database.transaction():
        account.balance = other.balance + 1
        rival(database, lambda: setattr(other, "balance", account.balance + 1))


def test_read_of_another_object_does_not_conflict(database: Database, account: Account) -> None:
    with database.transaction():
        other = Account(name="b")
    with database.transaction():
        account.balance = 1
        rival(database, lambda: setattr(other, "balance", 1))


@pytest.mark.parametrize(
    "change",
    [
        lambda: Account(name="b", owner="ann"),
        lambda: Account.lookup_one(name="a").delete(),
        lambda: setattr(Account.lookup_one(name="a"), "owner", "bob"),
    ],
    ids=["insert", "delete", "update"],
)
def test_lookup_that_would_find_others_conflicts(
    database: Database, account: Account, change: Callable[[], object]
) -> None:
    with pytest.raises(RevisionConflictError, match="owner='ann'"), database.transaction():
        Account(name=f"sum {len(Account.lookup_all(owner='ann'))}", owner="bank")
        rival(database, change)


def test_lookup_of_other_keys_does_not_conflict(database: Database, account: Account) -> None:
    with database.transaction():
        Account(name=f"sum {len(Account.lookup_all(owner='ann'))}", owner="bank")
        rival(database, lambda: Account(name="b", owner="bob"))
        rival(database, lambda: setattr(account, "balance", 7))


def test_lookup_that_found_nothing_conflicts(database: Database, account: Account) -> None:
    with pytest.raises(RevisionConflictError), database.transaction():
        if Account.lookup_unique(name="b") is None:
            Account(name="b")
        rival(database, lambda: Account(name="b"))


def test_lookup_of_all_conflicts_with_inserts_only(database: Database, account: Account) -> None:
    with database.transaction():
        Account(name=f"{len(Account.lookup_all())}")
        rival(database, lambda: setattr(account, "balance", 7))
    with pytest.raises(RevisionConflictError), database.transaction():
        Account(name=f"{len(Account.lookup_all())} again")
        rival(database, lambda: Account(name="b"))


def test_change_of_a_deleted_object_conflicts(database: Database, account: Account) -> None:
    with pytest.raises(RevisionConflictError, match="deleted"), database.transaction():
        account.balance = 1
        rival(database, account.delete)


def test_delete_of_a_changed_object_conflicts(database: Database, account: Account) -> None:
    with pytest.raises(RevisionConflictError), database.transaction():
        account.delete()
        rival(database, lambda: setattr(account, "balance", 1))


@dataclass(frozen=True)
class Signature:
    by: Account
    note: str = ""


class Pair(NamedTuple):
    first: Account | None
    second: Account | None


schema = Schema("contracts")


@schema.define
class Contract(DbObject):
    party: Account | None = None
    parties: list[Account] = []
    shares: dict[Account, int] = {}
    roles: dict[str, Account | str | None] = {}
    witnesses: set[Account] = set()
    signature: Signature | None = None
    pair: Pair | None = None
    places: tuple[int, Account] | None = None


REFERRING: dict[str, Callable[[Account], object]] = {
    "party": lambda account: account,
    "parties": lambda account: [account],
    "shares": lambda account: {account: 1},
    "roles": lambda account: {"buyer": account, "seller": "x", "third": None},
    "witnesses": lambda account: {account},
    "signature": Signature,
    "pair": lambda account: Pair(None, account),
    "places": lambda account: (1, account),
}


@pytest.mark.parametrize("name", REFERRING)
@pytest.mark.parametrize("is_new", [True, False])
def test_target_of_a_reference_is_not_deleted_beside_it(
    database: Database, account: Account, name: str, is_new: bool
) -> None:
    value: Any = REFERRING[name](account)
    with database.transaction():
        old = Contract()
    with pytest.raises(RevisionConflictError, match=r"Account \d+ \(deleted\)"):
        with database.transaction():
            if is_new:
                Contract(**{name: value})
            else:
                setattr(old, name, value)
            rival(database, account.delete)
    with database.transaction():
        setattr(old, name, value)
        assert getattr(old, name) == value


def test_reads_alone_never_conflict(database: Database, account: Account) -> None:
    with database.transaction():
        assert account.balance == 0
        rival(database, lambda: setattr(account, "balance", 1))
        assert account.balance == 0


def test_run_tries_again_and_returns(database: Database, account: Account) -> None:
    tries: list[int] = []

    def add() -> int:
        account.balance += 1
        tries.append(account.balance)
        if len(tries) == 1:
            rival(database, lambda: setattr(account, "balance", 10))
        return account.balance

    assert database.run(add) == 11
    assert tries == [1, 11]


def test_retry_gives_up_in_the_end(database: Database, account: Account) -> None:
    tries: list[int] = []

    @retry_on_conflict
    def never() -> None:
        """Always conflict."""
        tries.append(1)
        raise RevisionConflictError("always")

    with pytest.raises(RevisionConflictError):
        never()
    assert len(tries) == 20
    assert never.__doc__ == "Always conflict."


def conflict_in_a_callback(database: Database, account: Account) -> None:
    """Commit, and conflict in a function that runs after the commit."""

    def callback() -> None:
        with database.transaction():
            account.limit += 1
            rival(database, lambda: setattr(account, "limit", account.limit + 10))

    with database.transaction() as transaction:
        account.balance += 1
        transaction.on_commit(callback)


def test_conflict_in_a_callback_does_not_repeat_what_is_committed(
    database: Database, account: Account
) -> None:
    with pytest.raises(TransactionError, match="is committed, but a function of on_commit"):
        retry_on_conflict(conflict_in_a_callback)(database, account)
    with database.view():
        assert (account.balance, account.limit) == (1, 10)


def test_conflict_in_a_callback_of_run_does_not_repeat_it(
    database: Database, account: Account
) -> None:
    def callback() -> None:
        raise RevisionConflictError("in the callback")

    def add() -> None:
        account.balance += 1
        current = current_view()
        assert isinstance(current, Transaction)
        current.on_commit(callback)

    with pytest.raises(TransactionError, match="in the callback"):
        database.run(add)
    with database.view():
        assert account.balance == 1


def test_no_increment_is_lost_between_threads(database: Database, account: Account) -> None:
    def add_many() -> None:
        for _ in range(50):
            database.run(lambda: setattr(account, "balance", account.balance + 1))

    threads = [threading.Thread(target=add_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.view():
        assert account.balance == 200


def test_gone_object_cannot_be_written(database: Database, account: Account) -> None:
    database.run(account.delete)
    with pytest.raises(ObjectGoneError), database.transaction():
        account.balance = 1


def test_unique_values_are_those_of_the_last_commit(database: Database, account: Account) -> None:
    def rename() -> None:
        account.name = "b"

    with pytest.raises(AlreadyExistsError):
        with database.transaction():
            account.limit = 1
            Account(name="b")
            rival(database, rename)
    with database.transaction():
        account.limit = 2
        Account(name="b")
        rival(database, lambda: setattr(account, "name", "c"))
    with database.view():
        assert sorted(each.name for each in Account.lookup_all()) == ["b", "c"]
