"""One question to the driver that not every card can answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pynvml

_Value = TypeVar("_Value")

_UNTOLD = {
    pynvml.NVML_ERROR_NOT_SUPPORTED,
    pynvml.NVML_ERROR_NOT_FOUND,
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
    pynvml.NVML_ERROR_NO_PERMISSION,
    pynvml.NVML_ERROR_UNKNOWN,
}
"""One thing cannot be read; the card is well all the same."""


def if_told(read: Callable[..., _Value], *arguments: Any) -> _Value | None:
    """The driver's answer; None where this card or this driver does not tell.

    Raises:
        NVMLError: It is the card, or the driver as a whole, that does not answer.
    """
    try:
        return read(*arguments)
    except pynvml.NVMLError as error:
        if error.value in _UNTOLD:
            return None
        raise
