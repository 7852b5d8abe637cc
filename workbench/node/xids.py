"""What the driver's numbered errors mean for a card, and what to do about each.

Pure. What NVIDIA wants done at once decides: a program is to be mended, the card is to be reset when
that suits, or it is of no use before somebody saw to it. A number that stands in no list is only told:
who listens to the driver has to live with numbers that are newer than the list.

Source: https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

_LET_BACK = "`workbench gpu uncordon` lets it back."
_RESET = f"Reset the card or restart the machine; {_LET_BACK}"
_RESTART = f"Restart the machine, and see to the card's seat and power if it comes again; {_LET_BACK}"
_CHECK = f"Have the card checked; {_LET_BACK}"


class Verdict(IntEnum):
    """What becomes of the card; the worse, the higher."""

    NOTED = 0
    """Nothing."""
    PROGRAM = 1
    """Nothing: a program on it did something wrong, or was ended."""
    WORN = 2
    """No new work; what runs on it may go on."""
    BROKEN = 3
    """No new work, and what runs on it cannot rely on it."""


@dataclass(frozen=True)
class Meaning:
    """One number: what happened on the card or to it, and what to do."""

    what: str
    verdict: Verdict = Verdict.NOTED
    remedy: str = ""


_UNKNOWN = Meaning("an error that NVIDIA's catalogue of XIDs explains")

_OF_PROGRAMS = {
    13: "an illegal instruction or an access out of bounds",
    31: "an access to memory that is not the program's",
    32: "a corrupted stream of commands",
    43: "a program that had to be ended",
    45: "the clearing up after a program that ended",
    68: "an error in decoding video",
    69: "a wrong command to the graphics engine",
    137: "an illegal access to another card's memory",
}

_OF_ENGINES = (39, 40, 41, 60, 70, 71, 72, 75, 76, 77, 82, 83, 84, 85, 86, 88, 89, *range(96, 106))
"""Copying, video, pictures, optical flow."""

_OF_WORN_CARDS = {
    63: ("a faulty row of its memory that is replaced at the next reset", _RESET),
    92: ("very many memory errors, all corrected so far", _CHECK),
    94: ("a memory error that cost one program its data", _RESET),
    156: ("a faulty part that is replaced at the next reset", _RESET),
}

OFF_THE_BUS = 79
"""The card is not there any more, which asking it says too."""

_OF_BROKEN_CARDS = {
    46: ("it stopped working", _RESET),
    48: ("a memory error that could not be corrected", _RESET),
    62: ("its controller stopped", _RESET),
    64: ("a faulty row of its memory that could not be replaced", _RESET),
    74: ("an error of its NVLink", _RESET),
    OFF_THE_BUS: ("it has fallen off the bus", _RESTART),
    95: ("a memory error that may have hit every program on it", _RESET),
    109: ("it could not change from one program to another", _RESET),
    110: ("a security fault", _RESTART),
    119: ("its system processor does not answer", _RESET),
    120: ("an error of its system processor", _RESET),
    136: ("its NVLink could not be set up", _RESET),
    140: ("a memory error that could not be set right", _RESET),
    143: ("it could not be started", _RESET),
    158: ("it does not answer in time", _RESET),
}

_MEANINGS: Mapping[int, Meaning] = {
    **dict.fromkeys(_OF_ENGINES, Meaning("an error of an engine that a program used", Verdict.PROGRAM)),
    **{number: Meaning(what, Verdict.PROGRAM) for number, what in _OF_PROGRAMS.items()},
    **{number: Meaning(what, Verdict.WORN, do) for number, (what, do) in _OF_WORN_CARDS.items()},
    **{number: Meaning(what, Verdict.BROKEN, do) for number, (what, do) in _OF_BROKEN_CARDS.items()},
}


def meaning(xid: int) -> Meaning:
    """What a number means, and what to do about it."""
    return _MEANINGS.get(xid, _UNKNOWN)


def words(xid: int) -> str:
    """What happened and what to do, in words."""
    found = meaning(xid)
    return f"The driver reported XID {xid}: {found.what}. {found.remedy}".strip()


def to_holder(xid: int) -> str:
    """The same for who holds the card, and cannot do what its owner can."""
    match meaning(xid).verdict:
        case Verdict.PROGRAM:
            advice = "One of the programs on it is at fault, or was ended; its output says more."
        case Verdict.WORN:
            advice = "What runs on it may go on; save your work, for the card is to be reset."
        case Verdict.BROKEN:
            advice = "Its results cannot be relied on. Save what you can, then stop and start it."
        case Verdict.NOTED:
            advice = "The card stays in use."
    return f"The driver reported XID {xid} of a GPU that it holds: {meaning(xid).what}. {advice}"
