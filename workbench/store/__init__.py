"""Connections and transactions.

SQLite holds what a user would miss. A connection belongs to one thread. A transaction that
writes begins with BEGIN IMMEDIATE: one that reads first and takes the write lock later is
refused by SQLite at once beside another writer, whatever the busy timeout. Nothing slow
belongs inside a transaction: no Docker, no network.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlite_utils import Database, Migrations

from workbench.errors import Unavailable

_BUSY_S = 30
_BACKUPS_KEPT = 5


class StoreUnavailable(Unavailable):
    """The database cannot be used: disk full, file damaged, or no permission."""

    code = "StoreUnavailable"


class Store:
    """One SQLite file.

    Args:
        path: The file, made with mode 0600 where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """Write: all of it happens, or nothing."""
        db = self._database()
        with _translated(self.path):
            db.conn.execute("BEGIN IMMEDIATE")
            try:
                yield db
                if also := getattr(self._local, "also", None):
                    also(db)
                db.conn.execute("COMMIT")
                self._local.also = None
            except BaseException:
                if db.conn.in_transaction:
                    db.conn.execute("ROLLBACK")
                raise

    @contextmanager
    def alongside(self, write: Callable[[Database], None]) -> Iterator[None]:
        """While this lasts, the first transaction of this thread that happens writes this too: both
        are there, or neither."""
        self._local.also = write
        try:
            yield
        finally:
            self._local.also = None

    @contextmanager
    def reading(self) -> Iterator[Database]:
        """Read: one consistent picture, however long it is looked at."""
        db = self._database()
        with _translated(self.path):
            db.conn.execute("BEGIN")
            try:
                yield db
            finally:
                if db.conn.in_transaction:
                    db.conn.execute("COMMIT")

    def migrate(self, migrations: Iterable[Migrations]) -> None:
        """Bring the file to the newest form, after a copy of it was put aside.

        Args:
            migrations: Each capability's own, in the order of the layers.
        """
        db = self._database()
        with _translated(self.path):
            pending = [each for each in migrations if each.pending(db)]
            if pending and db.table_names():
                self._backup()
            for each in pending:
                each.apply(db)

    def close(self) -> None:
        """Close this thread's connection."""
        if db := getattr(self._local, "db", None):
            db.conn.close()
            self._local.db = None

    def _database(self) -> Database:
        db: Database | None = getattr(self._local, "db", None)
        if db is None:
            with _translated(self.path):
                # isolation_level None: transactions begin where we say, not where the module guesses.
                connection = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA foreign_keys = ON")
            db = self._local.db = Database(connection)
        return db

    def _backup(self) -> None:
        folder = self.path.parent / "backups"
        folder.mkdir(mode=0o700, exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        draft = folder / "unfinished"  # one that was cut short is no copy
        draft.unlink(missing_ok=True)
        self._database().conn.execute("VACUUM INTO ?", [str(draft)])
        draft.replace(folder / f"{self.path.stem}-{stamp}.db")
        for old in sorted(folder.glob(f"{self.path.stem}-*.db"))[:-_BACKUPS_KEPT]:
            old.unlink()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a fact about the data: the caller knows which rule it broke
    except sqlite3.DatabaseError as error:
        raise StoreUnavailable(
            f"{path} cannot be used: {error}.",
            hint="Look at the free disk space and the file's owner; copies are in backups/ beside it.",
        ) from error
