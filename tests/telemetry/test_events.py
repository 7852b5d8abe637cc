"""Events are kept for their owner, the newest of them, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from workbench.store import Store
from workbench.telemetry import Event, Level, events
from workbench.telemetry.events import Query

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "state.db")
    store.migrate([events.MIGRATIONS])
    return store


def add(
    store: Store,
    number: int,
    id: str = "dsw-1",
    level: Level = Level.NORMAL,
    shelf: tuple[str, str] = ("1", "ada"),
) -> None:
    with store.transaction() as db:
        event = Event(
            kind="notebook",
            id=id,
            workspace_id=shelf[0],
            owner_id=shelf[1],
            time=NOON + timedelta(minutes=number),
            level=level,
            reason="Tried",
            message=f"number {number}",
        )
        events.add(db, event)


def told(store: Store, id: str = "dsw-1", **asked: object) -> list[str]:
    with store.reading() as db:
        return [each.message for each in events.of(db, "notebook", id, **asked)]


def test_events_are_told_oldest_first_and_of_one_object_only(store: Store) -> None:
    for number in range(3):
        add(store, number)
    add(store, 9, id="dsw-2")

    assert told(store) == ["number 0", "number 1", "number 2"]
    assert told(store, limit=2) == ["number 1", "number 2"]


def test_events_are_picked_by_time_and_level(store: Store) -> None:
    for number, level in enumerate(Level):
        add(store, number, level=level)

    assert told(store, since=NOON + timedelta(minutes=1)) == ["number 1", "number 2"]
    assert told(store, until=NOON + timedelta(minutes=1)) == ["number 0", "number 1"]
    assert told(store, level=Level.ERROR) == ["number 2"]


def test_an_object_that_tells_without_end_keeps_its_newest_events(store: Store) -> None:
    for number in range(510):
        add(store, number)

    kept = told(store)

    assert (len(kept), kept[0], kept[-1]) == (500, "number 10", "number 509")


def test_events_of_what_is_gone_are_forgotten(store: Store) -> None:
    add(store, 1)
    add(store, 2, id="dsw-2")
    with store.transaction() as db:
        events.forget(db, "notebook", "dsw-1")

    assert told(store) == []
    assert told(store, id="dsw-2") == ["number 2"]


def found(
    store: Store, shelves: Sequence[tuple[str, str | None]] | None, limit: int = 9, **asked: Any
) -> list[str]:
    with store.reading() as db:
        return [each.message for each in events.search(db, shelves, Query(**asked), limit=limit)]


def test_events_of_several_shelves_are_found_newest_first(store: Store) -> None:
    for number, shelf in enumerate([("1", "ada"), ("1", "bob"), ("2", "ada"), ("2", ""), ("3", "ada")]):
        add(store, number, shelf=shelf)

    assert found(store, None) == ["number 4", "number 3", "number 2", "number 1", "number 0"]
    assert found(store, [("1", None), ("2", "")]) == ["number 3", "number 1", "number 0"]
    assert found(store, [("1", "bob"), ("2", "bob")]) == ["number 1"]
    assert found(store, []) == []


def test_pages_go_back_without_a_gap_and_forward_without_a_gap(store: Store) -> None:
    for number in range(7):
        add(store, number, shelf=("1", "ada" if number % 2 else "bob"))
    shelves = [("1", "ada"), ("1", "bob")]

    assert found(store, shelves, limit=3) == ["number 6", "number 5", "number 4"]
    assert found(store, shelves, limit=3, before=5) == ["number 3", "number 2", "number 1"]
    assert found(store, shelves, limit=3, after=1) == ["number 3", "number 2", "number 1"]
    assert found(store, shelves, limit=3, after=5) == ["number 6", "number 5"]


def test_events_are_searched_by_object_level_and_time(store: Store) -> None:
    for number, level in enumerate(Level):
        add(store, number, level=level, id=f"dsw-{number}")

    assert found(store, None, kind="notebook", id="dsw-1") == ["number 1"]
    assert found(store, None, level=Level.ERROR) == ["number 2"]
    assert found(store, None, since=NOON + timedelta(minutes=1)) == ["number 2", "number 1"]
    assert found(store, None, until=NOON + timedelta(minutes=1)) == ["number 1", "number 0"]
    assert found(store, None, since=NOON + timedelta(days=1)) == []
