"""What a container can be given: whole GPUs and MIG instances, and their device files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from platform import machine
from typing import Any

from tests.emulated_gpu.library import SONAME

FOLDER_IN_CONTAINER = "/run/emulated-gpus"
"""Where a container finds the library and the state; `nvml.c` knows this place too."""

LIBRARY_IN_CONTAINER = f"/usr/lib/{machine()}-linux-gnu/{SONAME}"


class UnknownDevice(Exception):
    """A container asks for a GPU that is not there, or is lost."""


@dataclass(frozen=True)
class DeviceFile:
    """A character device that appears in the container."""

    path: str
    major: int
    minor: int


@dataclass(frozen=True)
class Grant:
    """What one name stands for. `names` are the index, or `index:instance`, and the UUID."""

    names: tuple[str, ...]
    files: tuple[DeviceFile, ...]


def grants(state: dict[str, Any]) -> Iterator[Grant]:
    """Everything a container can be given by name, in the machine's order."""
    for index, gpu in enumerate(state["gpus"]):
        if gpu["lost"]:
            continue
        card = DeviceFile(f"/dev/nvidia{gpu['minor']}", *gpu["device"])
        yield Grant((str(index), gpu["uuid"]), (card,))
        for number, mig in enumerate(gpu["mig"]["devices"]):
            instance = DeviceFile(f"/dev/nvidia-caps/nvidia-cap{mig['cap']}", *gpu["device"])
            yield Grant((f"{index}:{number}", mig["uuid"]), (card, instance))


def chosen(state: dict[str, Any], names: Sequence[str]) -> list[DeviceFile]:
    """The files of what is asked for, each once.

    Raises:
        UnknownDevice: A name that stands for nothing.
    """
    files: dict[DeviceFile, None] = {}
    by_name = {name: grant for grant in grants(state) for name in grant.names}
    for name in by_name if "all" in names else names:
        if name not in by_name:
            raise UnknownDevice(f"device error: {name}: unknown device")
        files.update(dict.fromkeys(by_name[name].files))
    return list(files)
