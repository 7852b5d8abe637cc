"""The tables behind the queue and the cards, and how older files come to have them.

What the database can refuse it refuses, whatever the code does: a card that is held whole has
no other holder, and shares of a card never add up to more than it has.

A released migration is never edited: a change is one more function at the end.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

MIGRATIONS = Migrations("scheduler")


@MIGRATIONS()
def create_queue(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE requests (
            kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, owner TEXT NOT NULL,
            workspace_id TEXT NOT NULL, user_id TEXT NOT NULL, asked_at TEXT NOT NULL, pods TEXT NOT NULL,
            priority INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 9),
            preemptible INTEGER NOT NULL, lasts_s REAL,
            placed_at TEXT, leaves_by TEXT, position INTEGER NOT NULL DEFAULT 0,
            reason TEXT NOT NULL DEFAULT '', lost TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (kind, id)
        )
        """
    )
    db.execute("CREATE INDEX requests_by_turn ON requests (placed_at, position)")
    # MIG instances are cards here too: they are given away as a whole.
    db.execute(
        """
        CREATE TABLE cards (
            uuid TEXT PRIMARY KEY, memory_bytes INTEGER NOT NULL,
            cordoned TEXT NOT NULL DEFAULT '', freed_at TEXT
        )
        """
    )
    # memory_bytes 0 is the whole card.
    db.execute(
        """
        CREATE TABLE allocations (
            gpu_uuid TEXT NOT NULL REFERENCES cards (uuid), kind TEXT NOT NULL, id TEXT NOT NULL,
            pod INTEGER NOT NULL, number INTEGER NOT NULL,
            memory_bytes INTEGER NOT NULL CHECK (memory_bytes >= 0),
            PRIMARY KEY (gpu_uuid, kind, id, pod)
        )
        """
    )
    db.execute(
        "CREATE UNIQUE INDEX one_holder_of_a_whole_card ON allocations (gpu_uuid) WHERE memory_bytes = 0"
    )
    db.execute("CREATE INDEX allocations_of_work ON allocations (kind, id)")
    db.execute(
        """
        CREATE TRIGGER no_card_is_given_away_twice BEFORE INSERT ON allocations
        WHEN EXISTS (
                SELECT 1 FROM allocations
                WHERE gpu_uuid = NEW.gpu_uuid AND (memory_bytes = 0 OR NEW.memory_bytes = 0)
            )
            OR NEW.memory_bytes + (
                SELECT coalesce(sum(memory_bytes), 0) FROM allocations WHERE gpu_uuid = NEW.gpu_uuid
            ) > (SELECT memory_bytes FROM cards WHERE uuid = NEW.gpu_uuid)
        BEGIN
            SELECT RAISE(ABORT, 'the card is given away already');
        END
        """
    )
    db.execute(
        "CREATE TRIGGER allocations_do_not_change BEFORE UPDATE ON allocations"
        " BEGIN SELECT RAISE(ABORT, 'allocations are made and removed, not changed'); END"
    )
    db.execute(
        """
        CREATE TABLE recent_use (
            workspace_id TEXT NOT NULL, user_id TEXT NOT NULL, amount_s REAL NOT NULL, at TEXT NOT NULL,
            PRIMARY KEY (workspace_id, user_id)
        )
        """
    )


@MIGRATIONS()
def create_card_faults(db: Database) -> None:
    db.execute(
        "CREATE TABLE card_faults (uuid TEXT PRIMARY KEY, xid INTEGER NOT NULL, at TEXT NOT NULL,"
        " boot TEXT NOT NULL, gone INTEGER NOT NULL)"
    )


@MIGRATIONS()
def add_private(db: Database) -> None:
    # What runs is named to nobody else until it is described anew, at its next start or change.
    db.execute("ALTER TABLE requests ADD COLUMN private INTEGER NOT NULL DEFAULT 1")


@MIGRATIONS()
def add_preemption(db: Database) -> None:
    # leaves_for is the kind and id of the work that this one was made to leave for, until that has its place.
    db.execute("ALTER TABLE requests ADD COLUMN leaves_for TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE requests ADD COLUMN preempted TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE requests ADD COLUMN ends_at TEXT")
    db.execute("CREATE INDEX requests_that_make_way ON requests (leaves_for) WHERE leaves_for != ''")
