"""The queue in the database: what it keeps, and what it refuses whatever the code does."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scheduler.machines import GIB, NOW, a_request, requests
from workbench.node import Node
from workbench.scheduler import MIGRATIONS, Granted, Overcommit, Waiting, queue, records, schedule
from workbench.scheduler.requests import Grant, Request, Share, Whole
from workbench.store import Store

GENEROUS = Overcommit(cpus=100, memory=100)
CARD = {"GPU-0": 40 * GIB}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = a_store(tmp_path)
    with store.transaction() as db:
        records.know_cards(db, CARD)
    yield store
    store.close()


def a_store(folder: Path) -> Store:
    store = Store(folder / "state.db")
    store.migrate([MIGRATIONS])
    return store


def take(store: Store, request: Request, grant: Grant) -> None:
    with store.transaction() as db:
        records.put(db, request)
        records.allocate(db, request, [grant], NOW)


WHOLE = Grant(("GPU-0",))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (WHOLE, WHOLE),
        (WHOLE, Grant(("GPU-0",), GIB)),
        (Grant(("GPU-0",), GIB), WHOLE),
        (Grant(("GPU-0",), 30 * GIB), Grant(("GPU-0",), 11 * GIB)),
    ],
)
def test_the_database_itself_refuses_to_give_a_card_away_twice(
    store: Store, first: Grant, second: Grant
) -> None:
    take(store, a_request(), first)
    late = a_request()

    with pytest.raises(sqlite3.IntegrityError):
        take(store, late, second)

    with store.reading() as db:
        assert records.find(db, late.key) is None, "and nothing of it was written"


def test_an_allocation_cannot_be_made_larger(store: Store) -> None:
    take(store, a_request(), Grant(("GPU-0",), GIB))

    with pytest.raises(sqlite3.IntegrityError), store.transaction() as db:
        db.execute("UPDATE allocations SET memory_bytes = 0")


def test_of_many_who_grab_a_card_at_once_one_gets_it(store: Store) -> None:
    def grab(request: Request) -> bool:
        try:
            take(store, request, WHOLE)
        except sqlite3.IntegrityError:
            return False
        finally:
            store.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(grab, [a_request() for _ in range(40)]))

    assert got.count(True) == 1


def test_two_hundred_who_ask_at_once_all_stand_in_the_queue(store: Store) -> None:
    def ask(request: Request) -> None:
        with store.transaction() as db:
            queue.ask(db, request)
        store.close()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, [a_request(Whole(64)) for _ in range(200)]))
    schedule(store, Node({}), GENEROUS, NOW)

    with store.reading() as db:
        assert [each.position for each in queue.queue_now(db)] == list(range(1, 201))


def test_asking_again_changes_nothing(store: Store) -> None:
    request = a_request()
    with store.transaction() as db:
        assert queue.ask(db, request) == Waiting()
    schedule(store, Node({}), GENEROUS, NOW)

    with store.transaction() as db:
        later = replace(request, asked_at=NOW + timedelta(hours=1))
        assert queue.ask(db, later) == Granted((Grant(),))
        assert records.find(db, request.key) == replace(
            records.find(db, request.key), request=request, placed_at=NOW
        )


def test_who_asks_for_another_size_waits_anew(store: Store) -> None:
    request = a_request(Whole(1))
    take(store, request, WHOLE)

    with store.transaction() as db:
        assert queue.ask(db, replace(request, pods=a_request(Share(GIB)).pods)) == Waiting()
        assert not records.holders(db)
        assert records.on_record(db)["GPU-0"].freed_at


def test_who_has_to_leave_keeps_its_turn(store: Store) -> None:
    request = a_request(Whole(1))
    take(store, request, WHOLE)

    with store.transaction() as db:
        queue.requeue(db, request.key, NOW)
        assert [each.request for each in queue.queue_now(db)] == [request]
        assert not records.holders(db)


def test_what_is_given_back_twice_is_given_back_once(store: Store) -> None:
    request = a_request(Whole(1))
    take(store, request, WHOLE)

    with store.transaction() as db:
        assert queue.give_back(db, request.key, NOW)
        assert not queue.give_back(db, request.key, NOW)


@settings(max_examples=30, deadline=None)
@given(st.lists(requests, max_size=12))
def test_a_restart_in_the_middle_changes_nothing(asked: list[Request]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = a_store(Path(folder))
        with store.transaction() as db:
            for each in asked:
                queue.ask(db, each)
        schedule(store, Node({}), GENEROUS, NOW)
        schedule(store, Node({}), GENEROUS, NOW)  # what was placed counts in the order of the rest
        before = everything(store)
        store.close()

        store = a_store(Path(folder))
        outcome = schedule(store, Node({}), GENEROUS, NOW)

        assert not outcome.changed
        assert everything(store) == before
        store.close()


def everything(store: Store) -> list[records.Entry]:
    with store.reading() as db:
        return [*records.entries(db, placed=True), *records.entries(db, placed=False)]
