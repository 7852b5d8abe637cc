"""A workspace's settings that PAI's clients read: keys and values, each with labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from workbench.errors import InvalidInput, NotFound

_LONGEST_KEY = 128
_LONGEST_VALUE = 65536


class ConfigNotFound(NotFound):
    """The workspace has no setting of this key."""

    code = "ConfigNotFound"

    def __init__(self, key: str) -> None:
        super().__init__(f"The workspace has no configuration {key!r}.")


@dataclass(frozen=True, kw_only=True)
class Config:
    """One setting. Its name in full is the category, mostly empty, and the key."""

    key: str
    value: str
    category: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime
    modified_at: datetime


def save(
    db: Database,
    workspace_id: str,
    *,
    key: str,
    value: str,
    category: str = "",
    labels: Mapping[str, str],
    now: datetime,
) -> None:
    """Set one setting."""
    if not 0 < len(key) <= _LONGEST_KEY or len(value) > _LONGEST_VALUE:
        raise InvalidInput(
            f"The configuration {key[:40]!r} is refused: a key has 1 to {_LONGEST_KEY} characters,"
            f" a value at most {_LONGEST_VALUE}."
        )
    db.execute(
        "INSERT INTO configs (workspace_id, key, category, value, labels, created_at, modified_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value,"
        " labels = excluded.labels, modified_at = excluded.modified_at",
        [workspace_id, key, category, value, json.dumps(dict(labels)), now.isoformat(), now.isoformat()],
    )


def search(
    db: Database,
    workspace_id: str,
    *,
    keys: Sequence[str] = (),
    category: str = "",
    labels: Mapping[str, str] | None = None,
) -> list[Config]:
    """A workspace's settings; empty arguments do not restrict."""
    rows = db.query(
        "SELECT * FROM configs WHERE workspace_id = :workspace_id"
        " AND (:category = '' OR category = :category)"
        " AND (:keys = '[]' OR key IN (SELECT value FROM json_each(:keys))) ORDER BY key",
        {"workspace_id": workspace_id, "category": category, "keys": json.dumps(list(keys))},
    )
    wanted = (labels or {}).items()
    return [config for config in map(_from_row, rows) if wanted <= config.labels.items()]


def remove(db: Database, workspace_id: str, *, key: str, category: str = "") -> None:
    """Forget one setting.

    Raises:
        ConfigNotFound: It is not there.
    """
    gone = db.execute(
        "DELETE FROM configs WHERE workspace_id = ? AND category = ? AND key = ?",
        [workspace_id, category, key],
    )
    if not gone.rowcount:
        raise ConfigNotFound(key)


def _from_row(row: Mapping[str, Any]) -> Config:
    return Config(
        key=row["key"],
        value=row["value"],
        category=row["category"],
        labels=json.loads(row["labels"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        modified_at=datetime.fromisoformat(row["modified_at"]),
    )
