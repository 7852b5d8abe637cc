"""How many GPUs a part of one counts as, where GPUs are counted: in quotas and pools. Pure.

Parts count by memory. A share counts as its part of the smallest card that it fits on, so that it
never takes more than it counted as, whichever card it is given; a MIG instance as its part of the
card that it is cut from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from workbench.node import Gpu
from workbench.scheduler.requests import Cards, Share, Slice, Whole

_STEPS = 1000
"""Parts are counted in thousandths, rounded down: what fits on one card never counts as more than one."""


def gpus_of(wanted: Cards, gpus: Iterable[Gpu]) -> float:
    """What a request counts as: whole cards as what they are, a part as a fraction of one. A part of
    which nothing is known counts as a card.

    Args:
        gpus: The cards of this machine.
    """
    match wanted:
        case Whole(count):
            return count
        case Share(size, model):
            cards = [gpu for gpu in gpus if not gpu.divided and model.lower() in gpu.name.lower()]
            fitting = [gpu.memory_bytes for gpu in cards if gpu.memory_bytes >= size]
            return _part(size, min(fitting, default=0))
        case Slice(name):
            found = [
                _part(each.memory_bytes, gpu.memory_bytes)
                for gpu in gpus
                for each in gpu.instances
                if name in (each.uuid, each.profile)
            ]
            return max(found, default=1)
    return 0


def _part(size: int, whole: int) -> float:
    return math.floor(_STEPS * size / whole) / _STEPS if 0 < size < whole else 1
