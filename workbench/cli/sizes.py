"""Sizes on the command line, as `workbench.wire.sizes` reads them."""

from __future__ import annotations

import click

from workbench.wire import sizes


class BytesType(click.ParamType[int]):
    """A size, as bytes."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a size."""
        if isinstance(value, int):
            return value
        try:
            return sizes.read(str(value))
        except ValueError as error:
            self.fail(f"{value!r} is no size; {error}.", param, ctx)


shown_bytes = sizes.show
"""A size for a reader."""
