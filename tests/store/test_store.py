"""The database: all or nothing, many at once, and never without a copy before it changes form."""

from __future__ import annotations

import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from workbench.store import Store, StoreUnavailable


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "state.db")
    with store.transaction() as db:
        db.execute("CREATE TABLE things (name TEXT PRIMARY KEY, number INTEGER NOT NULL)")
    return store


def names(store: Store) -> list[str]:
    with store.reading() as db:
        return [row["name"] for row in db.query("SELECT name FROM things ORDER BY name")]


def test_a_transaction_that_breaks_off_leaves_nothing(store: Store) -> None:
    with pytest.raises(KeyError), store.transaction() as db:
        db.execute("INSERT INTO things VALUES ('half', 1)")
        raise KeyError

    assert names(store) == []


def test_what_goes_alongside_happens_with_the_first_transaction_that_does_and_once(store: Store) -> None:
    def also(db: Database) -> None:
        db.execute("INSERT INTO things VALUES ('also', 1)")

    with store.alongside(also):
        with pytest.raises(KeyError), store.transaction() as db:
            raise KeyError
        assert names(store) == []
        for name in ("first", "second"):
            with store.transaction() as db:
                db.execute("INSERT INTO things VALUES (?, 1)", [name])
        assert names(store) == ["also", "first", "second"]
    with store.alongside(also):
        pass
    with store.transaction() as db:
        db.execute("DELETE FROM things")
    assert names(store) == []


def test_what_cannot_be_written_alongside_keeps_the_transaction_from_happening(store: Store) -> None:
    def fails(db: Database) -> None:
        raise KeyError

    with pytest.raises(KeyError), store.alongside(fails), store.transaction() as db:
        db.execute("INSERT INTO things VALUES ('half', 1)")
    assert names(store) == []


def test_a_hundred_writers_at_once_lose_nothing_and_none_is_refused(store: Store) -> None:
    with store.transaction() as db:
        db.execute("INSERT INTO things VALUES ('counter', 0)")

    def count(_: int) -> None:
        for _ in range(5):
            with store.transaction() as db:
                number = db.execute("SELECT number FROM things").fetchone()[0]
                db.execute("UPDATE things SET number = ?", [number + 1])

    with ThreadPoolExecutor(100) as pool:
        list(pool.map(count, range(100)))

    with store.reading() as db:
        assert db.execute("SELECT number FROM things").fetchone()[0] == 500


def test_a_reader_sees_one_picture_whatever_is_written_meanwhile(store: Store) -> None:
    def write() -> None:
        with store.transaction() as db:
            db.execute("INSERT INTO things VALUES ('new', 1)")

    with store.reading() as db:
        before = db.execute("SELECT count(*) FROM things").fetchone()[0]
        writer = threading.Thread(target=write)
        writer.start()
        writer.join()
        assert db.execute("SELECT count(*) FROM things").fetchone()[0] == before
    assert names(store) == ["new"]


def test_a_broken_rule_of_the_data_is_the_callers_to_explain(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError), store.transaction() as db:
        db.execute("INSERT INTO things VALUES ('twice', 1)")
        db.execute("INSERT INTO things VALUES ('twice', 1)")


def test_a_file_that_is_no_database_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"this is not a database at all" * 100)

    with (
        pytest.raises(StoreUnavailable, match=r"state\.db cannot be used.*backups"),
        Store(tmp_path / "state.db").reading(),
    ):
        pass


def test_nobody_else_can_read_the_database(store: Store) -> None:
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def steps(number: int) -> Migrations:
    """The first so many migrations of a capability."""
    migrations = Migrations("things")
    for each in range(number):

        def add(db: Database, each: int = each) -> None:
            db.execute(f"ALTER TABLE things ADD COLUMN column{each} TEXT")

        migrations(name=f"add{each}")(add)
    return migrations


def test_migrations_are_applied_once_in_order_after_a_copy_was_put_aside(store: Store) -> None:
    with store.transaction() as db:
        db.execute("INSERT INTO things VALUES ('kept', 1)")

    store.migrate([steps(1)])
    store.migrate([steps(3)])
    store.migrate([steps(3)])

    copies = sorted((store.path.parent / "backups").iterdir())
    assert len(copies) == 2
    with store.reading() as db:
        assert {f"column{each}" for each in range(3)} <= {each.name for each in db["things"].columns}
    assert names(store) == names(Store(copies[0])) == ["kept"]


def test_a_copy_that_was_cut_short_is_made_anew_and_old_copies_go(store: Store) -> None:
    backups = store.path.parent / "backups"
    backups.mkdir()
    (backups / "unfinished").write_bytes(b"half")

    for number in range(1, 9):
        store.migrate([steps(number)])

    assert not (backups / "unfinished").exists()
    assert len(list(backups.iterdir())) == 5


def test_a_migration_that_fails_changes_nothing(store: Store) -> None:
    broken = steps(1)

    @broken()
    def break_off(db: Database) -> None:
        db.execute("ALTER TABLE things ADD COLUMN half TEXT")
        db.execute("SELECT * FROM nowhere")

    with pytest.raises(StoreUnavailable, match="nowhere"):
        store.migrate([broken])

    with store.reading() as db:
        assert "half" not in {each.name for each in db["things"].columns}
        assert [each.name for each in broken.pending(db)] == ["break_off"]
