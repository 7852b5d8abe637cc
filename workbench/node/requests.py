"""How much of the machine a piece of work asks for, in PAI's spelling.

Pure. CPUs: `2`, `0.5`, `500m`. Memory: `4` (GiB), `4Gi`, `4096Mi`, `4GB`. GPUs: `1`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from workbench.errors import Conflict, InvalidInput
from workbench.node.inventory import Inventory
from workbench.wire.sizes import read, show

_NUMBER = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([A-Za-z]*)\s*", re.ASCII)
_LEAST_CPUS = 0.01
_LEAST_MEMORY = 64 * 2**20
_LEAST_SHM = 2**20
_LEAST_GPU_MEMORY = 2**28
_MIG = re.compile(r"MIG-[0-9a-fA-F/-]+|\d+g\.\d+gb", re.ASCII)


class BadAmount(InvalidInput):
    """An amount cannot be read, or is of no use to anybody."""

    code = "InvalidParameter"


class NotEnough(Conflict):
    """More is asked for than this machine has; waiting would never help."""

    code = "NotEnoughResources"


class NotEnoughGPUs(NotEnough):
    """More GPUs are asked for than this machine has; waiting would never help."""

    code = "NotEnoughGPUs"

    def __init__(self, *, wanted: int, usable: int, why: str, model: str = "") -> None:
        kind = f" like {model!r}" if model else ""
        super().__init__(
            f"{wanted} GPU{'s' * (wanted != 1)}{kind} wanted, this machine has {usable} that can be used.",
            hint=why or "Ask for fewer.",
        )
        self.wanted = wanted
        self.usable = usable


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a pod may use. `shm_bytes` is the size of its /dev/shm, a part of its memory.

    Of GPUs it has whole ones, or so much memory of one that it shares, or a MIG instance, named by
    its profile or UUID. `gpu_model` is a part of the card's name, empty for any.
    """

    cpus: float
    memory_bytes: int
    shm_bytes: int
    gpus: int = 0
    gpu_model: str = ""
    gpu_memory_bytes: int = 0
    gpu_instance: str = ""


def parse_cpus(text: str) -> float:
    """A number of CPUs, or thousandths of one with an `m` behind."""
    number, unit = _split(text, "CPU", "a number such as 2, 0.5 or 500m")
    if unit not in ("", "m"):
        raise BadAmount(f"CPU is {text!r}; a number such as 2, 0.5 or 500m is wanted.")
    cpus = number / 1000 if unit else number
    if cpus < _LEAST_CPUS:
        raise BadAmount(f"CPU is {text!r}; at least {_LEAST_CPUS} is wanted.")
    return cpus


def parse_memory(text: str, name: str = "Memory", *, least_bytes: int = _LEAST_MEMORY) -> int:
    """A size in bytes; a plain number counts GiB."""
    try:
        size = read(text)
    except ValueError as error:
        raise BadAmount(f"{name} is {text[:40]!r}; {error}.") from error
    if size < least_bytes:
        raise BadAmount(f"{name} is {text!r}; at least {least_bytes // 2**20} MiB is wanted.")
    return size


def parse_gpus(text: str) -> int:
    """A whole number of GPUs."""
    number, unit = _split(text, "GPU", "a whole number such as 0 or 1")
    if unit or not number.is_integer():
        raise BadAmount(f"GPU is {text!r}; a whole number such as 0 or 1 is wanted.")
    return int(number)


def parse_resources(fields: Mapping[str, str], *, cpus: float, memory_gib: float) -> Resources:
    """Read PAI's RequestedResource.

    Args:
        fields: `CPU`, `Memory`, `SharedMemory`, `GPU`, `GPUType`; what is missing or empty is not
            asked for. A GPUType is a part of the card's name, or names a MIG instance.
        cpus: How many when none are asked for.
        memory_gib: How much when none is asked for.
    """
    given = {name: text for name, text in fields.items() if text}
    memory = parse_memory(given["Memory"]) if "Memory" in given else int(memory_gib * 2**30)
    shm = memory // 2
    if "SharedMemory" in given:
        shm = parse_memory(given["SharedMemory"], "SharedMemory", least_bytes=_LEAST_SHM)
    if shm > memory:
        raise BadAmount(
            f"SharedMemory is {show(shm)}, more than the memory of {show(memory)} that it is a part of."
        )
    gpus = parse_gpus(given["GPU"]) if "GPU" in given else 0
    kind = given.get("GPUType", "")
    instance = kind if _MIG.fullmatch(kind) else ""
    if instance and gpus != 1:
        raise BadAmount(f"GPU is {gpus} with the MIG instance {kind!r}; 1 is wanted.")
    return Resources(
        cpus=parse_cpus(given["CPU"]) if "CPU" in given else cpus,
        memory_bytes=memory,
        shm_bytes=shm,
        gpus=0 if instance else gpus,
        gpu_model="" if instance else kind,
        gpu_instance=instance,
    )


def share_of_a_gpu(size: Resources, text: str) -> Resources:
    """The same, with so much memory of one card that others may use too.

    Args:
        text: A size; a plain number counts GiB.

    Raises:
        BadAmount: It is no size, or whole GPUs are asked for too.
    """
    if size.gpus or size.gpu_instance:
        raise BadAmount("Whole GPUs and a share of one are asked for.", hint="Leave GPU at 0 for a share.")
    return replace(size, gpu_memory_bytes=parse_memory(text, "GPU memory", least_bytes=_LEAST_GPU_MEMORY))


def check_fits(wanted: Resources, inventory: Inventory) -> None:
    """Refuse what this machine could not give even if nothing else ran.

    Raises:
        NotEnough: And what there is.
    """
    if wanted.cpus > inventory.cpus:
        raise NotEnough(f"{wanted.cpus:g} CPUs wanted, this machine has {inventory.cpus:g}.")
    if wanted.memory_bytes > inventory.memory_bytes:
        raise NotEnough(
            f"{show(wanted.memory_bytes)} of memory wanted, this machine has {show(inventory.memory_bytes)}."
        )
    _check_gpus_fit(wanted, inventory)


def _check_gpus_fit(wanted: Resources, inventory: Inventory) -> None:
    cards = [gpu for gpu in inventory.gpus if wanted.gpu_model.lower() in gpu.name.lower()]
    problems = [f"GPU {gpu.index}: {gpu.problem}" for gpu in inventory.graphics.gpus if gpu.problem]
    why = " ".join([inventory.graphics.reason, *problems]).strip()
    if wanted.gpu_instance:
        instances = {name for gpu in cards for each in gpu.instances for name in (each.uuid, each.profile)}
        if wanted.gpu_instance not in instances:
            hint = f"There are {', '.join(sorted(instances))}." if instances else why or "No card is divided."
            raise NotEnough(
                f"No MIG instance {wanted.gpu_instance!r} is here.", hint=hint, code="NotEnoughGPUs"
            )
    whole = [gpu for gpu in cards if not gpu.divided]
    largest = max((gpu.memory_bytes for gpu in whole), default=0)
    if wanted.gpu_memory_bytes > largest:
        raise NotEnough(
            f"{show(wanted.gpu_memory_bytes)} of one GPU wanted, the largest usable one has {show(largest)}.",
            hint=why,
            code="NotEnoughGPUs",
        )
    if wanted.gpus > len(whole):
        raise NotEnoughGPUs(wanted=wanted.gpus, usable=len(whole), why=why, model=wanted.gpu_model)


def _split(text: str, name: str, wanted: str) -> tuple[float, str]:
    match = _NUMBER.fullmatch(text)
    if not match:
        raise BadAmount(f"{name} is {text[:40]!r}; {wanted} is wanted.")
    return float(match[1]), match[2]
