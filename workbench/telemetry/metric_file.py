"""The SQLite file that metrics are kept in: its tables, and what is done when it is damaged.

What is in it can be sampled again, so it is written relaxed: a power cut may cost the last
minutes, never the file. A file that is damaged all the same is put aside, and a new one begun.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database, Migrations

from workbench.errors import Unavailable

log = logging.getLogger(__name__)

MIGRATIONS = Migrations("metrics")

_T = TypeVar("_T")

_BUSY_S = 5
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class MetricsUnavailable(Unavailable):
    """The file of the metrics cannot be used: disk full, or no permission."""

    code = "MetricsUnavailable"


class MetricFile:
    """One file. Writing is for one thread at a time; reading for any.

    Args:
        path: Made with mode 0600 where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: sqlite3.Connection | None = None

    def write(self, act: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do something in one transaction. A damaged file is put aside first, if need be.

        Raises:
            MetricsUnavailable: It could not be done; nothing was written.
        """
        try:
            return self._attempt(act)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise self._unavailable(error) from error
            self._put_aside(error)
        try:
            return self._attempt(act)
        except sqlite3.DatabaseError as error:
            raise self._unavailable(error) from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the file.

        Raises:
            MetricsUnavailable: It cannot be read.
        """
        try:
            with closing(
                sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)
            ) as connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise self._unavailable(error) from error

    def used_bytes(self) -> int:
        """What the tables take, without the space that is free within the file."""

        def used(connection: sqlite3.Connection) -> int:
            pages, free, size = (
                int(connection.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_count", "freelist_count", "page_size")
            )
            return (pages - free) * size

        return self.write(used)

    def shrink(self) -> None:
        """Give free space back to the disk."""
        self._connection().execute("PRAGMA incremental_vacuum").fetchall()

    def close(self) -> None:
        """Let the file go; the next write opens it again."""
        if self._writer:
            self._writer.close()
            self._writer = None

    def _attempt(self, act: Callable[[sqlite3.Connection], _T]) -> _T:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = act(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _connection(self) -> sqlite3.Connection:
        if self._writer is None:
            self._path.touch(mode=0o600)
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                MIGRATIONS.apply(Database(connection))
            except BaseException:
                connection.close()
                raise
            self._writer = connection
        return self._writer

    def _put_aside(self, reason: sqlite3.DatabaseError) -> None:
        self.close()
        aside = self._path.with_name(f"{self._path.name}.damaged")
        self._path.replace(aside)
        for companion in ("-wal", "-shm"):
            Path(f"{self._path}{companion}").unlink(missing_ok=True)
        log.error("metrics begun anew damaged=%s reason=%s", aside, reason)

    def _unavailable(self, error: sqlite3.DatabaseError) -> MetricsUnavailable:
        return MetricsUnavailable(
            f"Metrics are not kept: {self._path}: {error}.",
            hint="Look at the free disk space and the file's owner.",
        )


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


@MIGRATIONS()
def create_metrics(db: Database) -> None:
    """Samples of a minute in one row: pairs of a second after `time` and a value."""
    db.execute(
        "CREATE TABLE series (number INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL,"
        " id TEXT NOT NULL, pod TEXT NOT NULL, workspace_id TEXT NOT NULL, user_id TEXT NOT NULL,"
        " UNIQUE (kind, id, name, pod, workspace_id, user_id))"
    )
    db.execute(
        "CREATE TABLE samples (series INTEGER NOT NULL, time INTEGER NOT NULL, pairs BLOB NOT NULL,"
        " PRIMARY KEY (series, time)) WITHOUT ROWID"
    )
    for table in ("minutes", "hours"):
        db.execute(
            f"CREATE TABLE {table} (series INTEGER NOT NULL, time INTEGER NOT NULL, mean REAL NOT NULL,"
            " peak REAL NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (series, time)) WITHOUT ROWID"
        )
