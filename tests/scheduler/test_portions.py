"""What parts of cards count as in quotas and pools."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scheduler.machines import GIB
from workbench.node import Gpu, MigInstance
from workbench.scheduler import Share, Slice, Whole, gpus_of

SMALL = Gpu(index=0, uuid="GPU-0", name="NVIDIA A10", memory_bytes=24 * GIB)
LARGE = Gpu(index=1, uuid="GPU-1", name="NVIDIA A100", memory_bytes=40 * GIB)
CUT = Gpu(
    index=2,
    uuid="GPU-2",
    name="NVIDIA A100",
    memory_bytes=40 * GIB,
    divided=True,
    instances=(MigInstance("MIG-1", "1g.5gb", 5 * GIB), MigInstance("MIG-2", "3g.20gb", 20 * GIB)),
)


@pytest.mark.parametrize(
    ("wanted", "counts_as"),
    [
        (None, 0),
        (Whole(2), 2),
        (Share(6 * GIB), 0.25),
        (Share(30 * GIB), 0.75),
        (Share(8 * GIB, "A100"), 0.2),
        (Slice("1g.5gb"), 0.125),
        (Slice("MIG-2"), 0.5),
    ],
)
def test_a_part_counts_by_its_memory_on_the_smallest_card_that_it_fits_on(
    wanted: object, counts_as: float
) -> None:
    assert gpus_of(wanted, [SMALL, LARGE, CUT]) == counts_as


def test_a_part_of_which_nothing_is_known_counts_as_a_card() -> None:
    assert gpus_of(Share(GIB), []) == 1
    assert gpus_of(Slice("1g.5gb"), [SMALL]) == 1
    assert gpus_of(Share(GIB), [Gpu(index=0, uuid="GPU-0", name="GB10", memory_bytes=0)]) == 1


@given(st.lists(st.integers(1, 24 * GIB), min_size=1, max_size=9))
def test_what_fits_on_one_card_never_counts_as_more_than_one(sizes: list[int]) -> None:
    fitting = [size for number, size in enumerate(sizes) if sum(sizes[: number + 1]) <= 24 * GIB]

    assert sum(gpus_of(Share(size), [SMALL]) for size in fitting) <= 1 + 1e-9
