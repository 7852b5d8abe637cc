"""Named sizes: what PAI's `ecs.*` instance types would give.

Pure. General types follow a rule (c: 2 GiB a CPU, g: 4, r: 8); those with GPUs stand in a
table. A type fits this machine if it has the CPUs, the memory, and as many cards with as much
memory; the model of the card is not insisted on.

Source: https://www.alibabacloud.com/help/en/ecs/user-guide/overview-of-instance-families
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.errors import InvalidInput
from workbench.node.inventory import Inventory
from workbench.node.requests import NotEnough, Resources

_GIB_PER_CPU = {"c": 2, "g": 4, "r": 8}
_GENERAL = re.compile(r"ecs\.([cgr])[5-9][a-z]{0,2}\.(?:(x?)large|([1-9]\d?)xlarge)", re.ASCII)
_LISTED = tuple(
    f"ecs.{family}{generation}.{size}"
    for generation in (6, 7)
    for family in "cgr"
    for size in ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge")
)
_TOLERANCE = 0.9
"""A card sold with 16 GB reports some 15 GiB, as a part is kept by the driver."""


@dataclass(frozen=True)
class Spec:
    """A named size. `gpu_memory_gib` is of one card."""

    name: str
    cpus: int
    memory_gib: int
    gpus: int = 0
    gpu_model: str = ""
    gpu_memory_gib: int = 0

    @property
    def resources(self) -> Resources:
        """What a pod of this size may use."""
        memory = self.memory_gib * 2**30
        return Resources(cpus=self.cpus, memory_bytes=memory, shm_bytes=memory // 2, gpus=self.gpus)


class UnknownSpec(InvalidInput):
    """There is no size of this name."""

    code = "InvalidEcsSpec"


_WITH_GPUS: Mapping[str, Spec] = {
    spec.name: spec
    for spec in (
        Spec("ecs.gn5-c4g1.xlarge", 4, 30, 1, "P100", 16),
        Spec("ecs.gn5-c8g1.2xlarge", 8, 60, 1, "P100", 16),
        Spec("ecs.gn6i-c4g1.xlarge", 4, 15, 1, "T4", 16),
        Spec("ecs.gn6i-c8g1.2xlarge", 8, 31, 1, "T4", 16),
        Spec("ecs.gn6i-c16g1.4xlarge", 16, 62, 1, "T4", 16),
        Spec("ecs.gn6i-c24g1.6xlarge", 24, 93, 1, "T4", 16),
        Spec("ecs.gn6i-c24g1.12xlarge", 48, 186, 2, "T4", 16),
        Spec("ecs.gn6i-c24g1.24xlarge", 96, 372, 4, "T4", 16),
        Spec("ecs.gn6v-c8g1.2xlarge", 8, 32, 1, "V100", 16),
        Spec("ecs.gn6v-c8g1.8xlarge", 32, 128, 4, "V100", 16),
        Spec("ecs.gn6v-c8g1.16xlarge", 64, 256, 8, "V100", 16),
        Spec("ecs.gn6v-c10g1.20xlarge", 82, 336, 8, "V100", 16),
        Spec("ecs.gn6e-c12g1.3xlarge", 12, 92, 1, "V100", 32),
        Spec("ecs.gn6e-c12g1.12xlarge", 48, 368, 4, "V100", 32),
        Spec("ecs.gn6e-c12g1.24xlarge", 96, 736, 8, "V100", 32),
        Spec("ecs.gn7i-c8g1.2xlarge", 8, 30, 1, "A10", 24),
        Spec("ecs.gn7i-c16g1.4xlarge", 16, 60, 1, "A10", 24),
        Spec("ecs.gn7i-c32g1.8xlarge", 32, 188, 1, "A10", 24),
        Spec("ecs.gn7i-c32g1.16xlarge", 64, 376, 2, "A10", 24),
        Spec("ecs.gn7i-c32g1.32xlarge", 128, 752, 4, "A10", 24),
        Spec("ecs.gn7-c12g1.3xlarge", 12, 94, 1, "A100", 40),
        Spec("ecs.gn7-c13g1.13xlarge", 52, 378, 4, "A100", 40),
        Spec("ecs.gn7-c13g1.26xlarge", 104, 756, 8, "A100", 40),
        Spec("ecs.gn7e-c16g1.4xlarge", 16, 125, 1, "A100", 80),
        Spec("ecs.gn7e-c16g1.16xlarge", 64, 500, 4, "A100", 80),
        Spec("ecs.gn7e-c16g1.32xlarge", 128, 1000, 8, "A100", 80),
    )
}


def catalogue() -> tuple[Spec, ...]:
    """The sizes worth listing, smallest first, those without GPUs before the others."""
    general = [spec for name in _LISTED if (spec := _general(name))]
    return tuple(sorted((*general, *_WITH_GPUS.values()), key=_size))


def find(name: str) -> Spec:
    """The size of this name.

    Raises:
        UnknownSpec: There is none.
    """
    spec = _WITH_GPUS.get(name) or _general(name)
    if spec is None:
        raise UnknownSpec(
            f"{name[:80]!r} is not a size that Workbench knows.",
            hint="ListEcsSpecs gives all that fit; ecs.g6.large is one of them.",
        )
    return spec


def fits(spec: Spec, inventory: Inventory) -> bool:
    """Whether the whole machine would be enough."""
    least = spec.gpu_memory_gib * 2**30 * _TOLERANCE
    cards = sum(gpu.memory_bytes >= least for gpu in inventory.gpus)
    return spec.cpus <= inventory.cpus and spec.memory_gib <= inventory.memory_gib and spec.gpus <= cards


def resolve(name: str, inventory: Inventory) -> Spec:
    """The size of this name, if this machine can give it.

    Raises:
        UnknownSpec: There is no such size.
        NotEnough: It is larger than this machine; the hint names the nearest that fits.
    """
    spec = find(name)
    if fits(spec, inventory):
        return spec
    nearest = nearest_that_fits(spec, inventory)
    raise NotEnough(
        f"{name} is {_words(spec)}; this machine has {inventory.cpus:g} CPUs, "
        f"{inventory.memory_gib:.0f} GiB and {len(inventory.gpus)} GPUs.",
        hint=f"The nearest that fits is {nearest.name}: {_words(nearest)}."
        if nearest
        else "No named size fits; ask for CPU and Memory instead.",
    )


def nearest_that_fits(wanted: Spec, inventory: Inventory) -> Spec | None:
    """The size most like the wanted one among those this machine can give: GPUs count first."""
    candidates = [spec for spec in catalogue() if fits(spec, inventory)]
    return min(
        candidates,
        key=lambda spec: (
            abs(spec.gpus - wanted.gpus),
            abs(spec.cpus - wanted.cpus),
            abs(spec.memory_gib - wanted.memory_gib),
        ),
        default=None,
    )


def _general(name: str) -> Spec | None:
    match = _GENERAL.fullmatch(name)
    if not match:
        return None
    family, extra, times = match.groups()
    cpus = 4 * int(times) if times else 4 if extra else 2
    return Spec(name, cpus, cpus * _GIB_PER_CPU[family])


def _size(spec: Spec) -> tuple[int, int, int, str]:
    return spec.gpus, spec.cpus, spec.memory_gib, spec.name


def _words(spec: Spec) -> str:
    cards = f", {spec.gpus} GPU{'s' * (spec.gpus > 1)} ({spec.gpu_model})" if spec.gpus else ""
    return f"{spec.cpus} CPUs, {spec.memory_gib} GiB{cards}"
