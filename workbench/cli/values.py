"""Values on a command line that are more than a word: checked before anything is asked for."""

from __future__ import annotations

import math
import re
from typing import Any

import click

from workbench.client.notebooks import Mount

_MOUNT = re.compile(r"(?P<uri>[a-z][a-z0-9]*://[^:]*(?::\d+/[^:]*)?):(?P<path>/[^:]*)(?::(?P<access>ro|rw))?")
_DURATION = re.compile(r"(\d+)([mhd])")
_UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_LONGEST_MS = 3650 * _UNIT_MS["d"]


class NameType(click.ParamType[str]):
    """A name, an id or a size: something at least, since an empty one would mean that none was given."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not str(value).strip():
            self.fail("it is empty.", param, ctx)
        return str(value)


NAME = NameType()


class NumberType(click.FloatRange):
    """A number from here to there; neither `nan`, which is in no range and beyond none, nor `inf`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number that can be used.", param, ctx)
        return number


class MountType(click.ParamType[Mount]):
    """`nas://workspace/data:/mnt/data[:ro]`."""

    name = "URI:PATH[:ro]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Mount:
        if isinstance(value, Mount):
            return value
        if not (match := _MOUNT.fullmatch(value)):
            self.fail(f"{value!r} is not a mount like nas://workspace/data:/mnt/data:ro.", param, ctx)
        return Mount(uri=match["uri"], path=match["path"], read_only=match["access"] == "ro")


class VariableType(click.ParamType[tuple[str, str]]):
    """`NAME=VALUE`."""

    name = "NAME=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, equals, text = value.partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not a variable like EPOCHS=10.", param, ctx)
        return name, text


class DurationType(click.ParamType[int]):
    """`90m`, `8h`, `2d`, or `0` for never; milliseconds in the end, as on the wire."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if value == "0":
            return 0
        if not (match := _DURATION.fullmatch(value)):
            self.fail(f"{value!r} is not a time like 90m, 8h or 2d, or 0 for never.", param, ctx)
        duration = int(match[1]) * _UNIT_MS[match[2]]
        if duration > _LONGEST_MS:
            self.fail(f"{value!r} is more than ten years.", param, ctx)
        return duration
