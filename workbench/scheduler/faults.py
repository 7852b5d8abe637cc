"""Cards that the driver reported an error of, after which they get no new work.

What was reported cannot be asked for again, so it is kept. It is over when the machine was restarted
since, when the card or the driver was seen to be gone and answers again (somebody reset it, or loaded
the driver anew), or when the machine's owner says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from workbench.node import xids
from workbench.node.xids import Verdict


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What the driver reported of a card. `boot` is the machine's start that it happened in; `gone` that
    the card was not there since."""

    xid: int
    at: datetime
    boot: str
    gone: bool = False

    @property
    def verdict(self) -> Verdict:
        """What it means for work on the card."""
        return xids.meaning(self.xid).verdict

    @property
    def words(self) -> str:
        """What happened and what to do."""
        return xids.words(self.xid)


def known(db: Database) -> dict[str, Fault]:
    """The faults that are not over, by the card's UUID."""
    return {
        row["uuid"]: Fault(
            xid=row["xid"],
            at=datetime.fromisoformat(row["at"]),
            boot=row["boot"],
            gone=bool(row["gone"]),
        )
        for row in db.query("SELECT * FROM card_faults")
    }


def note(db: Database, uuid: str, fault: Fault) -> bool:
    """Keep a fault. One after another is often its consequence: the first stays, unless the new one is
    worse. True when it was kept."""
    earlier = known(db).get(uuid)
    if earlier and not earlier.gone and fault.verdict <= earlier.verdict:
        return False
    db.execute(
        "INSERT OR REPLACE INTO card_faults (uuid, xid, at, boot, gone) VALUES (?, ?, ?, ?, ?)",
        [uuid, fault.xid, fault.at.isoformat(), fault.boot, fault.gone],
    )
    return True


def note_gone(db: Database, uuid: str) -> None:
    """The card was not there: should it come back, its fault is over."""
    db.execute("UPDATE card_faults SET gone = 1 WHERE uuid = ?", [uuid])


def clear(db: Database, uuid: str) -> None:
    """The fault is over."""
    db.execute("DELETE FROM card_faults WHERE uuid = ?", [uuid])
