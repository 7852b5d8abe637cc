"""What work asks for, and what it was given.

Plain values. A request is for all of its pods at once: they get their places together or not
at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

Key = tuple[str, str]
"""Kind and id of the work, as the work queue has it."""


Readers = tuple[str, str]
"""The members of a workspace, or with a second part only that one of them."""


@dataclass(frozen=True)
class Whole:
    """Cards for the pod alone. `model` is a part of the card's name, `A100`; empty for any."""

    count: int
    model: str = ""


@dataclass(frozen=True)
class Share:
    """Part of a card's memory. Cooperative: what a pod uses of the card is not enforced."""

    memory_bytes: int
    model: str = ""


@dataclass(frozen=True)
class Slice:
    """One MIG instance, by its profile (`1g.5gb`) or its UUID."""

    name: str


Cards = Whole | Share | Slice | None


@dataclass(frozen=True)
class Need:
    """What one pod needs. CPU and memory are limits that work seldom reaches, so a machine gives
    away several times what it has."""

    cpus: float
    memory_bytes: int
    cards: Cards = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """Work that wants a place.

    `priority` is from 1 to 9, the highest first. `preemptible` work may be stopped for work of a
    higher one, and waits again then. `lasts` is how long it runs at most once it has its place,
    `ends_at` when it is over however late it begins, where that is known; either lets small work go
    ahead of large. `name` and `owner` are for sentences: «job train of alice». What is `private` only
    its user sees, and who manages or operates its workspace.
    """

    kind: str
    id: str
    name: str
    owner: str
    workspace_id: str
    user_id: str
    asked_at: datetime
    pods: tuple[Need, ...]
    priority: int = 1
    preemptible: bool = False
    lasts: timedelta | None = None
    private: bool = False
    ends_at: datetime | None = None

    @property
    def key(self) -> Key:
        """What names it."""
        return self.kind, self.id

    @property
    def words(self) -> str:
        """The work as a sentence names it."""
        return f"{self.kind} {self.name} of {self.owner}"

    @property
    def readers(self) -> Readers:
        """Who reads what is said of it."""
        return self.workspace_id, self.user_id if self.private else ""

    def words_for(self, readers: Readers) -> str:
        """The same in a sentence about other work: with no name that its readers may not know."""
        workspace_id, user_id = readers
        if workspace_id != self.workspace_id:
            return f"a {self.kind} of another workspace"
        if self.private and user_id != self.user_id:
            return f"a private {self.kind}"
        return self.words

    def ends_by(self, begun: datetime) -> datetime | None:
        """When it is over at the latest if it begins then; None where nobody knows."""
        known = [self.ends_at, begun + self.lasts if self.lasts is not None else None]
        return min((each for each in known if each is not None), default=None)


@dataclass(frozen=True)
class Grant:
    """What one pod was given: cards or a MIG instance by UUID; with `memory_bytes` that much of
    one card, shared with others."""

    uuids: tuple[str, ...] = ()
    memory_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Held:
    """A request that has its place, a grant for each of its pods.

    `leaves_by` is set once it was asked to leave for more important work.
    """

    request: Request
    grants: tuple[Grant, ...]
    placed_at: datetime
    leaves_by: datetime | None = None

    @property
    def ends_by(self) -> datetime | None:
        """When it has given its place back at the latest; None where nobody knows."""
        known = [self.leaves_by, self.request.ends_by(self.placed_at)]
        return min((each for each in known if each is not None), default=None)
