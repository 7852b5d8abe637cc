from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.node import (
    Gpu,
    GpuReading,
    Inventory,
    NotEnough,
    NotEnoughGPUs,
    Resources,
    check_fits,
    parse_resources,
    share_of_a_gpu,
)
from workbench.node.requests import BadAmount, parse_cpus, parse_gpus, parse_memory

GIB = 2**30


def a_machine(cpus: float = 8, memory_gib: float = 32, gpus: int = 0, reason: str = "") -> Inventory:
    cards = tuple(Gpu(index=i, uuid=f"GPU-{i}", name="A10", memory_bytes=24 * GIB) for i in range(gpus))
    return Inventory(
        cpus=cpus, memory_bytes=int(memory_gib * GIB), graphics=GpuReading(gpus=cards, reason=reason)
    )


@pytest.mark.parametrize(("text", "cpus"), [("2", 2), ("0.5", 0.5), ("500m", 0.5), (" 4 ", 4)])
def test_cpus_are_read_as_numbers_or_thousandths(text: str, cpus: float) -> None:
    assert parse_cpus(text) == cpus


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4", 4 * GIB),
        ("4Gi", 4 * GIB),
        ("4GiB", 4 * GIB),
        ("4096Mi", 4 * GIB),
        ("4GB", 4 * 10**9),
        ("0.5", GIB // 2),
    ],
)
def test_a_plain_number_of_memory_counts_gib(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize(
    "text", ["-1", "NaN", "inf", "1e99", "", "two", "1 2", "٣", "0x10", "9" * 400, "0", "4XB"]
)
def test_absurd_amounts_are_refused_with_what_would_be_right(text: str) -> None:
    for parse in (parse_cpus, parse_memory):
        with pytest.raises(BadAmount, match=r"wanted|not a unit"):
            parse(text)


@pytest.mark.parametrize("text", ["0.5", "-1", "1Gi", "one"])
def test_a_part_of_a_gpu_is_no_gpu(text: str) -> None:
    with pytest.raises(BadAmount, match="whole number"):
        parse_gpus(text)


@given(st.dictionaries(st.sampled_from(["CPU", "Memory", "SharedMemory", "GPU"]), st.text(max_size=12)))
def test_whatever_is_sent_is_read_or_refused(fields: dict[str, str]) -> None:
    try:
        wanted = parse_resources(fields, cpus=2, memory_gib=4)
    except WorkbenchError as error:
        assert error.status == 400
        return
    assert 0 < wanted.cpus < 10**10
    assert 0 < wanted.shm_bytes <= wanted.memory_bytes
    assert wanted.gpus >= 0


def test_shared_memory_is_half_of_the_memory_unless_asked_for() -> None:
    assert parse_resources({"Memory": "8"}, cpus=2, memory_gib=4).shm_bytes == 4 * GIB
    assert parse_resources({"Memory": "8", "SharedMemory": "6"}, cpus=2, memory_gib=4).shm_bytes == 6 * GIB
    with pytest.raises(BadAmount, match="more than the memory"):
        parse_resources({"Memory": "4", "SharedMemory": "5"}, cpus=2, memory_gib=4)


def test_what_is_not_asked_for_is_the_default() -> None:
    assert parse_resources({"CPU": ""}, cpus=2, memory_gib=4) == Resources(
        cpus=2, memory_bytes=4 * GIB, shm_bytes=2 * GIB
    )


def test_more_than_the_machine_has_is_refused_with_what_it_has() -> None:
    with pytest.raises(NotEnough, match="64 CPUs wanted, this machine has 8"):
        check_fits(parse_resources({"CPU": "64"}, cpus=1, memory_gib=1), a_machine())
    with pytest.raises(NotEnough, match="64 GiB of memory wanted, this machine has 32 GiB"):
        check_fits(parse_resources({"Memory": "64"}, cpus=1, memory_gib=1), a_machine())


def test_more_gpus_than_there_are_is_refused_with_the_reason() -> None:
    bare = a_machine(reason="No NVIDIA driver is installed.")

    with pytest.raises(NotEnoughGPUs, match=r"1 GPU wanted.*has 0.*No NVIDIA driver") as refusal:
        check_fits(parse_resources({"GPU": "1"}, cpus=1, memory_gib=1), bare)
    assert (refusal.value.code, refusal.value.status) == ("NotEnoughGPUs", 409)
    check_fits(parse_resources({"GPU": "2"}, cpus=1, memory_gib=1), a_machine(gpus=2))


def test_a_gpu_type_is_a_model_or_names_a_mig_instance() -> None:
    by_model = parse_resources({"GPU": "2", "GPUType": "A10"}, cpus=1, memory_gib=1)
    instance = parse_resources({"GPU": "1", "GPUType": "1g.5gb"}, cpus=1, memory_gib=1)

    assert (by_model.gpus, by_model.gpu_model) == (2, "A10")
    assert (instance.gpus, instance.gpu_instance) == (0, "1g.5gb")
    with pytest.raises(BadAmount, match="1 is wanted"):
        parse_resources({"GPU": "2", "GPUType": "1g.5gb"}, cpus=1, memory_gib=1)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"GPU": "1", "GPUType": "H100"}, "1 GPU like 'H100' wanted, this machine has 0"),
        ({"GPU": "1", "GPUType": "1g.5gb"}, "No MIG instance '1g.5gb' is here. No card is divided."),
    ],
)
def test_what_no_card_is_is_refused(fields: dict[str, str], said: str) -> None:
    with pytest.raises(NotEnough) as refusal:
        check_fits(parse_resources(fields, cpus=1, memory_gib=1), a_machine(gpus=2))

    assert said in str(refusal.value)
    assert refusal.value.code == "NotEnoughGPUs"


def test_a_share_is_of_one_card_and_not_beside_whole_ones() -> None:
    plain = parse_resources({}, cpus=1, memory_gib=1)

    assert share_of_a_gpu(plain, "8").gpu_memory_bytes == 8 * GIB
    with pytest.raises(NotEnough, match="25 GiB of one GPU wanted, the largest usable one has 24 GiB"):
        check_fits(share_of_a_gpu(plain, "25"), a_machine(gpus=2))
    with pytest.raises(BadAmount, match="a share of one"):
        share_of_a_gpu(replace(plain, gpus=1), "8")
    for absurd in ("0", "-1", "much", "1e9"):
        with pytest.raises(BadAmount):
            share_of_a_gpu(plain, absurd)
