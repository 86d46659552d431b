"""What is refused, with a sentence that says why and what to do."""

from __future__ import annotations

import threading
import traceback

import pytest
from bank_schema import Account

from odbctl.engine.odb import Database, Reactor, Schema
from odbctl.errors import NotFoundError, TransactionError

DEADLINE_SECONDS = 20.0


@pytest.fixture
def database(any_database: Database) -> Database:
    """What is asked here must hold in every store."""
    return any_database


@pytest.fixture
def account(database: Database) -> Account:
    with database.transaction():
        return Account(name="a", owner="ann")


def test_transaction_is_used_once(database: Database, account: Account) -> None:
    transaction = database.transaction()
    with transaction:
        account.balance += 1
    with pytest.raises(TransactionError, match="a transaction can be used once"), transaction:
        pass
    with database.view():
        assert account.balance == 1


def test_transaction_is_not_entered_within_itself(database: Database, account: Account) -> None:
    with database.transaction() as transaction:
        account.balance = 7
        with pytest.raises(TransactionError, match="a transaction can be used once"), transaction:
            pass
        assert account.balance == 7
    with database.view():
        assert account.balance == 7


def test_view_is_used_once(database: Database, account: Account) -> None:
    view = database.view()
    with view:
        with pytest.raises(TransactionError, match="a view can be used once"), view:
            pass
        assert account.balance == 0
    with pytest.raises(TransactionError, match="a view can be used once") as refused, view:
        pass
    assert refused.value.hint == "call db.view() for each block"
    with pytest.raises(TransactionError, match="no view or transaction is open"):
        _ = account.balance


def test_view_that_was_inside_another_is_used_once(database: Database, account: Account) -> None:
    inner = database.view()
    with database.view(), inner:
        assert account.balance == 0
    with pytest.raises(TransactionError, match="a view can be used once"), inner:
        pass
    with pytest.raises(TransactionError, match="no view or transaction is open"):
        _ = account.balance


def test_view_inside_another_has_its_number(database: Database, account: Account) -> None:
    with database.view() as outer, database.view() as inner:
        assert inner.seq == outer.seq == database.last_commit()
        assert account.exists()


def test_next_of_a_running_reactor_is_refused(database: Database) -> None:
    calls = threading.Semaphore(0)
    with Reactor(database, calls.release, name="count") as reactor:
        assert calls.acquire(timeout=DEADLINE_SECONDS)
        with pytest.raises(TransactionError, match="reactor count is running"):
            reactor.next(timeout_seconds=0)
    assert not calls.acquire(blocking=False)


def test_waiting_inside_a_view_is_refused(database: Database, account: Account) -> None:
    reactor = Reactor(database, account.exists)
    with database.changes() as changes:
        with database.view():
            with pytest.raises(
                TransactionError, match="wait_for_condition cannot be used inside a"
            ):
                database.wait_for_condition(lambda: account.balance == 1, timeout_seconds=0)
            with pytest.raises(TransactionError, match="next cannot be used inside a view"):
                reactor.next(timeout_seconds=0)
            with pytest.raises(TransactionError, match="next cannot be used inside a view"):
                changes.next(timeout_seconds=0)
        with database.transaction():
            with pytest.raises(TransactionError, match="inside a transaction"):
                database.wait_for_condition(lambda: False, timeout_seconds=0)
            account.balance = 1
        assert changes.next(timeout_seconds=DEADLINE_SECONDS)
    with Database.in_memory() as other, other.view():
        assert database.wait_for_condition(lambda: account.balance == 1)


class Closing:
    def __del__(self) -> None:
        """Never called here."""


class Own:
    name: str

    def __del__(self) -> None:
        """Never called here."""


class Inherited(Closing):
    name: str


@pytest.mark.parametrize("cls", [Own, Inherited])
def test_stored_class_with_del_is_refused(cls: type) -> None:
    with pytest.raises(TypeError, match=rf"files\.{cls.__name__}\.__del__ would run whenever"):
        Schema("files").define(cls)


def test_hint_stands_in_the_traceback(database: Database, account: Account) -> None:
    with pytest.raises(TransactionError) as raised:
        _ = account.balance
    assert raised.value.hint
    assert f"hint: {raised.value.hint}" in "".join(traceback.format_exception(raised.value))
    assert not hasattr(NotFoundError("shelf", "a"), "__notes__")
