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
_NO_PLACE_IN_A_PATH = (".", "..")


class ConfigNotFound(NotFound):
    """The workspace has no setting of this key."""

    code = "ConfigNotFound"

    def __init__(self, key: str, labels: Mapping[str, str] | None = None) -> None:
        labelled = ", ".join(f"{name}={value}" for name, value in (labels or {}).items())
        super().__init__(f"The workspace has no configuration {key!r}{labelled and f' with {labelled}'}.")


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
    value: str | None,
    category: str = "",
    labels: Mapping[str, str] | None,
    now: datetime,
) -> None:
    """Set one setting; of one that is there already, None leaves what it has.

    Raises:
        InvalidInput: The key or the value cannot be kept, or a new setting has no value.
    """
    if not 0 < len(key) <= _LONGEST_KEY or len(value or "") > _LONGEST_VALUE:
        raise InvalidInput(
            f"The configuration {key[:40]!r} is refused: a key has 1 to {_LONGEST_KEY} characters,"
            f" a value at most {_LONGEST_VALUE}."
        )
    if key in _NO_PLACE_IN_A_PATH:
        raise InvalidInput(f"ConfigKey is {key!r}, by which nobody could delete it.", hint="Choose another.")
    kept = db.execute(
        "UPDATE configs SET value = coalesce(?, value), labels = coalesce(?, labels), modified_at = ?"
        " WHERE workspace_id = ? AND category = ? AND key = ?",
        [value, None if labels is None else _as_json(labels), now.isoformat(), workspace_id, category, key],
    )
    if kept.rowcount:
        return
    if value is None:
        raise InvalidInput(
            f"The workspace has no configuration {key!r} yet, and ConfigValue is not given.",
            hint="Give a value to the new one.",
        )
    db.execute(
        "INSERT INTO configs (workspace_id, key, category, value, labels, created_at, modified_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [workspace_id, key, category, value, _as_json(labels or {}), now.isoformat(), now.isoformat()],
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


def remove(
    db: Database,
    workspace_id: str,
    *,
    key: str,
    category: str = "",
    labels: Mapping[str, str] | None = None,
) -> None:
    """Forget one setting.

    Args:
        labels: Only if it has all of these.

    Raises:
        ConfigNotFound: It is not there, or lacks a label.
    """
    found = search(db, workspace_id, keys=[key], labels=labels)
    if category not in [each.category for each in found]:
        raise ConfigNotFound(key, labels)
    db.execute(
        "DELETE FROM configs WHERE workspace_id = ? AND category = ? AND key = ?",
        [workspace_id, category, key],
    )


def _as_json(labels: Mapping[str, str]) -> str:
    return json.dumps(dict(labels))


def _from_row(row: Mapping[str, Any]) -> Config:
    return Config(
        key=row["key"],
        value=row["value"],
        category=row["category"],
        labels=json.loads(row["labels"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        modified_at=datetime.fromisoformat(row["modified_at"]),
    )
