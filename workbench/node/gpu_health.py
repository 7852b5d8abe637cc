"""How a card is, by what it tells of itself: a reason not to rely on it, or only to be told.

A card that has no such counter, and most have not all, is none the worse for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pynvml

from workbench.node.asking import if_told

_TOO_HOT = pynvml.nvmlClocksEventReasonSwThermalSlowdown | pynvml.nvmlClocksEventReasonHwThermalSlowdown
_POWER = pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown
_HARDWARE = pynvml.nvmlClocksEventReasonHwSlowdown
"""Set beside either of the others, or alone."""


def sickness(card: Any) -> str:
    """Why a card that answers cannot be relied on; empty for a sound one."""
    _, _, pending, failed = if_told(pynvml.nvmlDeviceGetRemappedRows, card) or (0, 0, 0, 0)
    if failed:
        return "Its memory is worn out: a faulty row could not be replaced. Exchange the card."
    if pending:
        return "A faulty row of its memory waits to be replaced. Reset the card, or restart the machine."
    if if_told(pynvml.nvmlDeviceGetRetiredPagesPendingStatus, card):
        return "A faulty page of its memory waits to be retired. Reset the card, or restart the machine."
    return ""


def warnings(card: Any) -> Iterator[str]:
    """What its users should know, in words, though it works."""
    reasons = _slowed_by(card)
    if reasons & _TOO_HOT:
        yield "Slowed down since it is too hot. See to its fans and to the air around it."
    if reasons & _POWER:
        yield "Slowed down since its power supply asks for that. See to the supply and its cables."
    if reasons & _HARDWARE and not reasons & (_TOO_HOT | _POWER):
        yield "Slowed down by its own hardware: heat or power. See to its fans and its cables."
    lost = if_told(
        pynvml.nvmlDeviceGetTotalEccErrors,
        card,
        pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
        pynvml.NVML_VOLATILE_ECC,
    )
    if lost:
        errors = f"{lost} memory errors" if lost > 1 else "A memory error"
        yield f"{errors} could not be corrected since the driver was loaded. Reset the card when that suits."


def _slowed_by(card: Any) -> int:
    reasons = if_told(pynvml.nvmlDeviceGetCurrentClocksEventReasons, card)
    if reasons is None:  # its name before driver 535
        reasons = if_told(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons, card)
    return int(reasons or 0)
