"""What is kept of a notebook: what its owner asked for, and how far it is.

A notebook is what PAI calls a DSW instance. Every change of status is kept as a piece of its
history, told to whoever watches, and written in the same transaction as the change itself.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlite_utils import Database, Migrations

from workbench.errors import Conflict, NotFound

MIGRATIONS = Migrations("notebooks")


class NoSuchNotebook(NotFound):
    """No notebook has this id, or the caller may not know of it."""

    code = "InstanceNotFound"

    def __init__(self, notebook_id: str) -> None:
        super().__init__(
            f"There is no notebook {notebook_id!r}.", hint="`workbench notebook list` shows those there are."
        )


class NameTaken(Conflict):
    """Another notebook of the workspace has this name."""

    code = "InstanceNameAlreadyExists"

    def __init__(self, name: str) -> None:
        super().__init__(f"A notebook named {name!r} exists in this workspace.", hint="Choose another name.")


class ChangedMeanwhile(Conflict):
    """The record was written by somebody else since it was read; read it again and decide anew."""

    code = "ChangedMeanwhile"


class Wanted(StrEnum):
    """What the owner asked for last."""

    RUNNING = "Running"
    STOPPED = "Stopped"
    DELETED = "Deleted"


class Status(StrEnum):
    """How far it is, in PAI's words."""

    CREATING = "Creating"
    QUEUING = "Queuing"
    ENV_PREPARING = "EnvPreparing"
    STARTING = "Starting"
    RUNNING = "Running"
    RECOVERING = "Recovering"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    DELETING = "Deleting"


@dataclass(frozen=True)
class DataMount:
    """Files asked for, as in the request: a URI, and where in the notebook they should be."""

    uri: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class IdleLimit:
    """Stop the notebook after so many minutes without use.

    A container that uses more than `cpu_percent` of one CPU, or `gpu_percent` of one GPU, counts as
    used, whatever its kernels say.
    """

    minutes: int
    cpu_percent: int = 10
    gpu_percent: int = 5


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """One notebook.

    Of GPUs it wants whole ones (`gpus`), so much memory of one that it shares, or a MIG instance by
    profile or UUID; `gpu_model` is a part of the card's name. `pool` is the one that it must run in,
    empty where any will do. `generation` counts the times that it was asked to start;
    `token_generation` is the one that `jupyter_token` was made for. `interruptions` counts how often
    the container of this generation was ended from outside. `last_active` is when somebody or a kernel
    last did something in it. The three secrets are sealed. `revision` counts the writes.
    """

    id: str
    workspace_id: str
    user_id: str
    name: str
    created_at: datetime
    modified_at: datetime
    image: str
    cpus: float
    memory_bytes: int
    shm_bytes: int
    gpus: int = 0
    gpu_model: str = ""
    gpu_memory_bytes: int = 0
    gpu_instance: str = ""
    spec: str = ""
    pool: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[DataMount, ...] = ()
    accessibility: str = "PRIVATE"
    priority: int = 1
    preemptible: bool = False
    on_start: str = ""
    idle_limit: IdleLimit | None = None
    shutdown_at: datetime | None = None

    wanted: Wanted = Wanted.RUNNING
    generation: int = 1
    status: Status = Status.CREATING
    reason_code: str = ""
    reason: str = ""
    address: str = ""
    interruptions: int = 0
    running_since: datetime | None = None
    ran_ms: int = 0
    last_active: datetime | None = None

    jupyter_token: str = ""
    token_generation: int = 1
    access_token: str = ""
    cookie: str = ""
    revision: int = 0

    @property
    def private_to(self) -> str:
        """Whose alone it is, beside those who run the workspace; empty for a public one."""
        return self.user_id if self.accessibility == "PRIVATE" else ""


@dataclass(frozen=True, kw_only=True)
class Period:
    """A stretch of a notebook's life in one status."""

    status: Status
    reason_code: str
    reason: str
    begun_at: datetime
    ended_at: datetime | None


def insert(db: Database, notebook: Notebook) -> None:
    """Keep a new notebook.

    Raises:
        NameTaken: Another one of the workspace has its name.
    """
    with _unique_name(notebook):
        db.table("notebooks").insert(to_row(notebook))
    _begin_period(db, notebook)


def save(db: Database, notebook: Notebook) -> Notebook:
    """Write a changed notebook, and give it back as it now stands.

    Raises:
        ChangedMeanwhile: It is not the one that was read; nothing was written.
        NameTaken: It has a new name, which another one of the workspace has.
    """
    before = get(db, notebook.id)
    if before.revision != notebook.revision:
        raise ChangedMeanwhile(f"Notebook {notebook.name!r} was changed meanwhile.", hint="Try again.")
    notebook = replace(notebook, revision=notebook.revision + 1)
    with _unique_name(notebook):
        db.table("notebooks").update(notebook.id, {k: v for k, v in to_row(notebook).items() if k != "id"})
    if before.status != notebook.status:
        _end_period(db, notebook)
        _begin_period(db, notebook)
    elif (before.reason_code, before.reason) != (notebook.reason_code, notebook.reason):
        db.execute(
            "UPDATE notebook_history SET reason_code = ?, reason = ?"
            " WHERE notebook_id = ? AND ended_at IS NULL",
            [notebook.reason_code, notebook.reason, notebook.id],
        )
    return notebook


def forget(db: Database, notebook_id: str) -> None:
    """Drop a notebook and its history."""
    db.execute("DELETE FROM notebook_history WHERE notebook_id = ?", [notebook_id])
    db.execute("DELETE FROM notebook_tickets WHERE notebook_id = ?", [notebook_id])
    db.execute("DELETE FROM notebooks WHERE id = ?", [notebook_id])


def find(db: Database, notebook_id: str) -> Notebook | None:
    """The notebook of this id, None where there is none."""
    for row in db.query("SELECT * FROM notebooks WHERE id = ?", [notebook_id]):
        return from_row(row)
    return None


def get(db: Database, notebook_id: str) -> Notebook:
    """The notebook of this id.

    Raises:
        NoSuchNotebook: There is none.
    """
    notebook = find(db, notebook_id)
    if notebook is None:
        raise NoSuchNotebook(notebook_id)
    return notebook


def ids(db: Database) -> list[str]:
    """The ids of all notebooks."""
    return [row["id"] for row in db.query("SELECT id FROM notebooks ORDER BY id")]


def in_status(db: Database, status: Status) -> list[str]:
    """The ids of the notebooks in a status."""
    return [row["id"] for row in db.query("SELECT id FROM notebooks WHERE status = ? ORDER BY id", [status])]


def waiting_for_image(db: Database, image: str) -> list[str]:
    """The ids of the notebooks that may wait for an image, though they may not have said so yet."""
    rows = db.query(
        "SELECT id FROM notebooks WHERE image = ? AND wanted = ? AND status NOT IN (?, ?)",
        [image, Wanted.RUNNING, Status.RUNNING, Status.FAILED],
    )
    return [row["id"] for row in rows]


def in_workspace(db: Database, workspace_id: str) -> list[Notebook]:
    """The notebooks of a workspace."""
    rows = db.query("SELECT * FROM notebooks WHERE workspace_id = ? ORDER BY id", [workspace_id])
    return [from_row(row) for row in rows]


def to_run(db: Database) -> list[Notebook]:
    """The notebooks that should run."""
    rows = db.query("SELECT * FROM notebooks WHERE wanted = ? ORDER BY id", [Wanted.RUNNING])
    return [from_row(row) for row in rows]


def by_status(db: Database) -> dict[str, int]:
    """How many notebooks are in each status."""
    rows = db.query("SELECT status, count(*) AS number FROM notebooks GROUP BY status ORDER BY status")
    return {row["status"]: row["number"] for row in rows}


def everything(db: Database) -> list[Notebook]:
    """All notebooks."""
    return [from_row(row) for row in db.query("SELECT * FROM notebooks ORDER BY id")]


def history(db: Database, notebook_id: str) -> list[Period]:
    """The statuses that a notebook went through, oldest first."""
    rows = db.query("SELECT * FROM notebook_history WHERE notebook_id = ? ORDER BY number", [notebook_id])
    return [
        Period(
            status=Status(row["status"]),
            reason_code=row["reason_code"],
            reason=row["reason"],
            begun_at=datetime.fromisoformat(row["begun_at"]),
            ended_at=_time(row["ended_at"]),
        )
        for row in rows
    ]


@contextmanager
def _unique_name(notebook: Notebook) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:  # the index `notebook_names` is the only rule there is to break
        raise NameTaken(notebook.name) from error


def _begin_period(db: Database, notebook: Notebook) -> None:
    db.execute(
        "INSERT INTO notebook_history (notebook_id, status, reason_code, reason, begun_at)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            notebook.id,
            notebook.status,
            notebook.reason_code,
            notebook.reason,
            notebook.modified_at.isoformat(),
        ],
    )


def _end_period(db: Database, notebook: Notebook) -> None:
    db.execute(
        "UPDATE notebook_history SET ended_at = ? WHERE notebook_id = ? AND ended_at IS NULL",
        [notebook.modified_at.isoformat(), notebook.id],
    )


_TIMES = ("created_at", "modified_at", "shutdown_at", "running_since", "last_active")


def to_row(notebook: Notebook) -> dict[str, Any]:
    row = dict(vars(notebook))
    row |= {name: row[name] and row[name].isoformat() for name in _TIMES}
    row["environment"] = json.dumps(dict(notebook.environment))
    row["mounts"] = json.dumps([vars(mount) for mount in notebook.mounts])
    row["idle_limit"] = json.dumps(vars(notebook.idle_limit)) if notebook.idle_limit else None
    return row


def from_row(row: Mapping[str, Any]) -> Notebook:
    values = dict(row)
    values |= {name: _time(row[name]) for name in _TIMES}
    values["environment"] = json.loads(row["environment"])
    values["mounts"] = tuple(DataMount(**mount) for mount in json.loads(row["mounts"]))
    values["idle_limit"] = IdleLimit(**json.loads(row["idle_limit"])) if row["idle_limit"] else None
    values |= {
        "wanted": Wanted(row["wanted"]),
        "status": Status(row["status"]),
        "preemptible": bool(row["preemptible"]),
    }
    return Notebook(**values)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@MIGRATIONS()
def create_notebooks(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE notebooks (
            id TEXT PRIMARY KEY, workspace_id TEXT NOT NULL, user_id TEXT NOT NULL, name TEXT NOT NULL,
            created_at TEXT NOT NULL, modified_at TEXT NOT NULL,
            image TEXT NOT NULL, cpus REAL NOT NULL, memory_bytes INTEGER NOT NULL,
            shm_bytes INTEGER NOT NULL, gpus INTEGER NOT NULL, spec TEXT NOT NULL,
            environment TEXT NOT NULL, mounts TEXT NOT NULL,
            accessibility TEXT NOT NULL, priority INTEGER NOT NULL, on_start TEXT NOT NULL,
            idle_limit TEXT, shutdown_at TEXT,
            wanted TEXT NOT NULL, generation INTEGER NOT NULL, status TEXT NOT NULL,
            reason_code TEXT NOT NULL, reason TEXT NOT NULL, address TEXT NOT NULL,
            interruptions INTEGER NOT NULL, running_since TEXT, ran_ms INTEGER NOT NULL, last_active TEXT,
            jupyter_token TEXT NOT NULL, access_token TEXT NOT NULL, cookie TEXT NOT NULL,
            revision INTEGER NOT NULL
        )
        """
    )
    # One name once in a workspace; one that is being deleted no longer counts.
    db.execute(
        "CREATE UNIQUE INDEX notebook_names ON notebooks (workspace_id, name) WHERE wanted != 'Deleted'"
    )
    db.execute(
        """
        CREATE TABLE notebook_history (
            number INTEGER PRIMARY KEY AUTOINCREMENT, notebook_id TEXT NOT NULL, status TEXT NOT NULL,
            reason_code TEXT NOT NULL, reason TEXT NOT NULL, begun_at TEXT NOT NULL, ended_at TEXT
        )
        """
    )
    db.execute("CREATE INDEX history_of_a_notebook ON notebook_history (notebook_id, number)")
    db.execute(
        "CREATE TABLE notebook_tickets"
        " (digest TEXT PRIMARY KEY, notebook_id TEXT NOT NULL, expires_at TEXT NOT NULL)"
    )


@MIGRATIONS()
def add_parts_of_gpus(db: Database) -> None:
    db.execute("ALTER TABLE notebooks ADD COLUMN gpu_model TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE notebooks ADD COLUMN gpu_memory_bytes INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE notebooks ADD COLUMN gpu_instance TEXT NOT NULL DEFAULT ''")


@MIGRATIONS()
def say_where_events_stand(db: Database) -> None:
    db.execute(
        "UPDATE events SET workspace_id = notebooks.workspace_id, owner_id = notebooks.user_id FROM notebooks"
        " WHERE events.kind = 'notebook' AND events.id = notebooks.id"
    )


@MIGRATIONS()
def add_preemptible(db: Database) -> None:
    db.execute("ALTER TABLE notebooks ADD COLUMN preemptible INTEGER NOT NULL DEFAULT 0")


@MIGRATIONS()
def add_pools(db: Database) -> None:
    db.execute("ALTER TABLE notebooks ADD COLUMN pool TEXT NOT NULL DEFAULT ''")


@MIGRATIONS()
def say_who_made_tickets(db: Database) -> None:
    # Of those of before it is not known; the longest would be good for a day.
    db.execute("DROP TABLE notebook_tickets")
    db.execute(
        "CREATE TABLE notebook_tickets (digest TEXT PRIMARY KEY, notebook_id TEXT NOT NULL,"
        " expires_at TEXT NOT NULL, user_id TEXT NOT NULL, access_key_id TEXT NOT NULL,"
        " token_id TEXT NOT NULL)"
    )


@MIGRATIONS()
def say_for_which_start_a_token_was_made(db: Database) -> None:
    # A container that runs has the token that is on record.
    db.execute("ALTER TABLE notebooks ADD COLUMN token_generation INTEGER NOT NULL DEFAULT 1")
    db.execute("UPDATE notebooks SET token_generation = generation")


@MIGRATIONS()
def keep_no_tag_of_what_a_record_says(db: Database) -> None:
    ours = "('workbench.gpu_memory', 'workbench.preemptible')"
    db.execute(f"DELETE FROM tags WHERE kind = 'notebook' AND key IN {ours}")  # noqa: S608 (our own words)


@MIGRATIONS()
def find_tickets_that_are_over(db: Database) -> None:
    db.execute("CREATE INDEX tickets_by_their_end ON notebook_tickets (expires_at)")
