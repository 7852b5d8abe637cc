from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.node import Gpu, GpuReading, Inventory, NotEnough, UnknownSpec, specs

GIB = 2**30


def a_machine(cpus: int, memory_gib: int, gpus: int = 0, gpu_memory_gib: float = 24) -> Inventory:
    cards = tuple(Gpu(index=i, uuid=f"GPU-{i}", memory_bytes=int(gpu_memory_gib * GIB)) for i in range(gpus))
    return Inventory(cpus=cpus, memory_bytes=memory_gib * GIB, graphics=GpuReading(gpus=cards))


@pytest.mark.parametrize(
    ("name", "cpus", "memory_gib", "gpus"),
    [
        ("ecs.c6.large", 2, 4, 0),
        ("ecs.g6.xlarge", 4, 16, 0),
        ("ecs.r7.2xlarge", 8, 64, 0),
        ("ecs.gn6v-c8g1.2xlarge", 8, 32, 1),
        ("ecs.gn6i-c4g1.xlarge", 4, 15, 1),
        ("ecs.gn7i-c8g1.2xlarge", 8, 30, 1),
    ],
)
def test_pais_names_give_what_they_give_there(name: str, cpus: int, memory_gib: int, gpus: int) -> None:
    spec = specs.find(name)

    assert (spec.cpus, spec.memory_gib, spec.gpus) == (cpus, memory_gib, gpus)
    assert spec.resources.shm_bytes == memory_gib * GIB // 2


@pytest.mark.parametrize(
    "name", ["", "large", "ecs.c6", "ecs.c6.0xlarge", "ecs.z9.large", "ecs.c6.large\n", "x" * 9999]
)
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownSpec, match="ListEcsSpecs"):
        specs.find(name)


def test_a_size_that_does_not_fit_names_the_nearest_that_does() -> None:
    with pytest.raises(
        NotEnough, match=r"16 CPUs, 64 GiB.*nearest that fits is ecs.g6.2xlarge: 8 CPUs, 32 GiB"
    ):
        specs.resolve("ecs.g6.4xlarge", a_machine(8, 33))


def test_cards_count_by_their_memory_whatever_their_model() -> None:
    wanted = specs.find("ecs.gn6i-c4g1.xlarge")

    assert specs.fits(wanted, a_machine(8, 32, gpus=1, gpu_memory_gib=15))  # a T4 reports 15 GiB
    assert not specs.fits(wanted, a_machine(8, 32, gpus=1, gpu_memory_gib=8))


@given(st.integers(1, 256), st.integers(1, 2048), st.integers(0, 8), st.sampled_from(specs.catalogue()))
def test_what_is_given_always_fits(cpus: int, memory: int, gpus: int, spec: specs.Spec) -> None:
    machine = a_machine(cpus, memory, gpus)
    try:
        assert specs.resolve(spec.name, machine) == spec
    except NotEnough:
        nearest = specs.nearest_that_fits(spec, machine)
        assert nearest is None or specs.fits(nearest, machine)


def test_names_in_the_catalogue_are_there_once_and_can_be_asked_for() -> None:
    names = [spec.name for spec in specs.catalogue()]

    assert len(set(names)) == len(names)
    assert [specs.find(name).name for name in names] == names
