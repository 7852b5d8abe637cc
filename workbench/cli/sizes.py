"""Sizes on the command line: `16Gi`, `512Mi`, and a plain number of GiB."""

from __future__ import annotations

import re

import click

_SIZE = re.compile(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti)?(?:B)?", re.IGNORECASE)
_UNITS = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


class BytesType(click.ParamType[int]):
    """A size, as bytes."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a size."""
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no size; one like 16Gi or 512Mi is wanted.", param, ctx)
        return int(float(found[1]) * _UNITS[(found[2] or "Gi").lower()])


def shown_bytes(size: int) -> str:
    """A size for a reader."""
    return f"{size / 2**30:.4g} GiB"
