"""What other capabilities keep in workspaces, as far as workspaces must reach it.

Workspaces stand below notebooks, jobs and services and know none of them. Each hands over one
value that says how to find, stop and remove its things; `daemon.py` collects them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from workbench.parts import Parts
from workbench.workspaces.permissions import MANAGERS, Roles
from workbench.workspaces.work import Work

Afterwards = Callable[[], object]
"""What is left to do once the transaction is over. It only spreads what is on record by then, as a daemon
that starts does too: lost in a `kill -9`, it is late and nothing more."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a thing stands, what it is called, whose it is, and whether it is private to them."""

    workspace_id: str
    owner_id: str
    name: str = ""
    private: bool = False


@dataclass(frozen=True, kw_only=True)
class Residents:
    """One kind of things.

    `find` says where a thing stands, None when there is no such thing. `seen` are the ids of those
    that may be seen, given where (see `visible_in`). `folders` holds their files, as far as they are
    not in the workspace's own. `pins` is what the storage knows the pods of all of them by.

    `stop` asks for one to be stopped; `remove_all` for everything in a workspace to be removed. Both may be
    repeated, and what is going or gone needs neither. `change_locks` makes worthless whatever let anybody in
    to the things of a user in a workspace, or to everybody's there without a user. All three write in the
    caller's transaction, so that they happen with what they follow from, or not at all.
    """

    kind: str
    find: Callable[[Database, str], Place | None]
    seen: Callable[[Database, Mapping[str, str | None]], Sequence[str]]
    stop: Callable[[Parts, Database, str], Afterwards]
    remove_all: Callable[[Parts, Database, str], Afterwards]
    change_locks: Callable[[Parts, Database, str, str], Afterwards]
    folders: Callable[[Parts, str], Sequence[Path]]
    pins: Callable[[Database], Sequence[str]]


def lock_out(
    parts: Parts,
    db: Database,
    residents: Iterable[Residents],
    workspace_id: str,
    *,
    user_id: str,
    roles: Roles,
) -> Afterwards:
    """Let a user in no more by what they were given: to their own things, and to all of the workspace's
    if their roles opened those too."""
    whose = "" if roles & MANAGERS else user_id
    return one_after_another([each.change_locks(parts, db, workspace_id, whose) for each in residents])


def stop(parts: Parts, db: Database, residents: Sequence[Residents], works: Iterable[Work]) -> Afterwards:
    """Ask for work to be stopped."""
    by_kind = {each.kind: each for each in residents}
    return one_after_another([by_kind[work.kind].stop(parts, db, work.id) for work in works])


def one_after_another(steps: Sequence[Afterwards]) -> Afterwards:
    """Several as one. One that fails keeps none of the others from happening."""

    def all_of_them() -> None:
        with ExitStack() as stack:
            for step in reversed(steps):
                stack.callback(step)

    return all_of_them
