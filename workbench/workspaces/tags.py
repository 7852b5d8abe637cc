"""Tags: keys and values that people put on things, to find and to count them by.

A thing is named by its kind and id, and stands in a workspace; what belongs to the machine
stands in none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from workbench.errors import InvalidInput, LimitReached

_MOST_OF_ONE_THING = 20
_LONGEST_KEY = 128
_LONGEST_VALUE = 255
_OURS = "workbench."


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """A thing that has tags; `workspace_id` is empty for what belongs to the machine."""

    kind: str
    id: str
    workspace_id: str
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Within:
    """What may be looked at: things in these workspaces, and of some kinds only these things.

    `things` has the ids by kind; of a kind that is not there, everything in the workspaces.
    """

    workspaces: Sequence[str]
    things: Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class TagUse:
    """How many things of a kind have a tag."""

    key: str
    value: str
    kind: str
    count: int


def put(db: Database, kind: str, id: str, workspace_id: str, tags: Mapping[str, str]) -> None:
    """Add tags to a thing; a key that it has already gets the new value.

    Raises:
        InvalidInput: A key or value is too long, or a key is empty or one of our own.
        LimitReached: It would have more tags than a thing may have.
    """
    for key, value in tags.items():
        if not 0 < len(key) <= _LONGEST_KEY or len(value) > _LONGEST_VALUE:
            raise InvalidInput(
                f"The tag {key[:40]!r} is refused: a key has 1 to {_LONGEST_KEY} characters,"
                f" a value at most {_LONGEST_VALUE}."
            )
        if key.startswith(_OURS):
            raise InvalidInput(
                f"The tag {key[:40]!r} is refused: keys that begin with {_OURS} are kept for what Workbench"
                " itself says of a thing.",
                hint="Choose another key.",
            )
        db.execute(
            "INSERT OR REPLACE INTO tags (kind, id, workspace_id, key, value) VALUES (?, ?, ?, ?, ?)",
            [kind, id, workspace_id, key, value],
        )
    if len(of(db, kind, id)) > _MOST_OF_ONE_THING:
        raise LimitReached(f"At most {_MOST_OF_ONE_THING} tags can be put on one thing.")


def take_off(db: Database, kind: str, id: str, keys: Sequence[str] = ()) -> None:
    """Remove tags from a thing, all of them where no keys are given."""
    db.execute(
        "DELETE FROM tags WHERE kind = :kind AND id = :id"
        " AND (:keys = '[]' OR key IN (SELECT value FROM json_each(:keys)))",
        {"kind": kind, "id": id, "keys": json.dumps(list(keys))},
    )


def of(db: Database, kind: str, id: str) -> dict[str, str]:
    """A thing's tags."""
    rows = db.execute("SELECT key, value FROM tags WHERE kind = ? AND id = ? ORDER BY key", [kind, id])
    return dict(rows.fetchall())


def find(
    db: Database,
    wanted: Mapping[str, str],
    *,
    within: Within | None,
    kind: str = "",
    limit: int = 1000,
) -> list[Tagged]:
    """Things that have all of these tags; an empty value stands for any.

    Args:
        within: None for everything.
    """
    rows = db.query(
        "SELECT kind, id, workspace_id, json_group_object(key, value) AS tags FROM tags AS one"  # noqa: S608
        f" WHERE (:kind = '' OR kind = :kind) AND {_WITHIN}"
        " AND NOT EXISTS (SELECT 1 FROM json_each(:wanted) AS asked WHERE NOT EXISTS ("
        "  SELECT 1 FROM tags AS other WHERE other.kind = one.kind AND other.id = one.id"
        "  AND other.key = asked.key AND (asked.value = '' OR other.value = asked.value)))"
        " GROUP BY kind, id ORDER BY kind, id LIMIT :limit",
        {"wanted": json.dumps(dict(wanted)), "kind": kind, "limit": limit, **_values(within)},
    )
    return [Tagged(**{**row, "tags": json.loads(row["tags"])}) for row in rows]


def usage(db: Database, *, within: Within | None) -> list[TagUse]:
    """How many things have each tag, by kind.

    Args:
        within: None for everything.
    """
    rows = db.query(
        f"SELECT key, value, kind, count(*) AS count FROM tags WHERE {_WITHIN}"  # noqa: S608 (our own words)
        " GROUP BY key, value, kind ORDER BY key, value, kind",
        _values(within),
    )
    return [TagUse(**row) for row in rows]


_WITHIN = (
    "(:workspaces IS NULL OR workspace_id IN (SELECT value FROM json_each(:workspaces))"
    " AND (kind NOT IN (SELECT key FROM json_each(:things))"
    " OR id IN (SELECT one.value FROM json_each(:things) AS of_kind, json_each(of_kind.value) AS one"
    " WHERE of_kind.key = kind)))"
)


def _values(within: Within | None) -> dict[str, str | None]:
    if within is None:
        return {"workspaces": None, "things": "{}"}
    things = {kind: list(ids) for kind, ids in within.things.items()}
    return {"workspaces": json.dumps(list(within.workspaces)), "things": json.dumps(things)}
