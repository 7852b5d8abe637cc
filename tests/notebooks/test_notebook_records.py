"""What is kept of a notebook survives as it was, and a name is used once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.notebooks.examples import NOW, a_notebook
from workbench import notebooks, workspaces
from workbench.notebooks import records, rules
from workbench.notebooks.records import ChangedMeanwhile, DataMount, IdleLimit, NameTaken, Status
from workbench.store import Store
from workbench.telemetry import events
from workbench.telemetry.events import Query


def test_a_notebook_is_read_as_it_was_written(store: Store) -> None:
    full = a_notebook(
        environment={"A": "ü\n"},
        mounts=(DataMount("nas://workspace/x", "/mnt/x", read_only=True),),
        idle_limit=IdleLimit(30, 10, 5),
        shutdown_at=NOW,
        running_since=NOW,
        last_active=NOW,
        gpus=1,
    )
    with store.transaction() as db:
        records.insert(db, full)

    with store.reading() as db:
        assert records.get(db, full.id) == full


def test_a_name_is_free_again_once_its_notebook_is_being_deleted(store: Store) -> None:
    with store.transaction() as db:
        records.insert(db, a_notebook())
    with pytest.raises(NameTaken, match="'mine' exists"), store.transaction() as db:
        records.insert(db, a_notebook(id="dsw-2"))
    with store.transaction() as db:
        records.insert(db, a_notebook(id="dsw-3", workspace_id="2"))
        records.save(db, rules.delete(records.get(db, "dsw-1"), NOW))
        records.insert(db, a_notebook(id="dsw-2"))


def test_of_two_who_change_the_same_record_the_second_is_told(store: Store) -> None:
    with store.transaction() as db:
        records.insert(db, a_notebook())
        read = records.get(db, "dsw-1")
        records.save(db, replace(read, priority=2))

        with pytest.raises(ChangedMeanwhile):
            records.save(db, replace(read, priority=3))

        assert records.get(db, "dsw-1").priority == 2


def test_history_tells_each_status_once_with_its_latest_reason(store: Store) -> None:
    with store.transaction() as db:
        records.insert(db, a_notebook())
        preparing = rules.become(
            records.get(db, "dsw-1"), Status.ENV_PREPARING, NOW, "PreparingImage", "10 %"
        )
        preparing = records.save(db, preparing)
        preparing = records.save(
            db, rules.become(preparing, Status.ENV_PREPARING, NOW, "PreparingImage", "90 %")
        )
        records.save(db, rules.become(preparing, Status.STARTING, NOW))

        history = records.history(db, "dsw-1")

    assert [(each.status, each.reason) for each in history] == [
        (Status.CREATING, ""),
        (Status.ENV_PREPARING, "90 %"),
        (Status.STARTING, ""),
    ]
    assert [each.ended_at is None for each in history] == [False, False, True]


def test_nothing_of_a_forgotten_notebook_is_kept(store: Store) -> None:
    with store.transaction() as db:
        records.insert(db, a_notebook())
        records.forget(db, "dsw-1")

        assert records.find(db, "dsw-1") is None
        assert records.history(db, "dsw-1") == []


def test_events_from_before_are_told_where_they_stand(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    store.migrate([events.MIGRATIONS, workspaces.MIGRATIONS, notebooks.MIGRATIONS])
    with store.transaction() as db:
        records.insert(db, a_notebook())
        kept = ["notebook", "dsw-1", NOW.isoformat(), "Normal", "Running", "It runs."]
        db.execute(
            "INSERT INTO events (kind, id, time, level, reason, message) VALUES (?, ?, ?, ?, ?, ?)", kept
        )
        records.say_where_events_stand(db)  # as the migration does that was the last one then

    with store.reading() as db:
        [event] = events.search(db, [(a_notebook().workspace_id, a_notebook().user_id)], Query(), limit=9)
        assert event.message == "It runs."


def test_what_a_record_says_is_no_tag_any_more(store: Store) -> None:
    labels = {"team": "red", "workbench.gpu_memory": "8", "workbench.preemptible": "true"}
    with store.transaction() as db:
        db.table("tags").insert_all(
            {"kind": "notebook", "id": "dsw-1", "workspace_id": "1", "key": key, "value": value}
            for key, value in labels.items()
        )
        records.keep_no_tag_of_what_a_record_says(db)

    with store.reading() as db:
        assert workspaces.tags_of(db, "notebook", "dsw-1") == {"team": "red"}
