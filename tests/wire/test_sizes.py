"""Sizes are read and shown alike wherever people meet them."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cli.sizes import BytesType
from workbench.node.requests import BadAmount, parse_memory
from workbench.wire import sizes

GIB = 2**30


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("16", 16 * GIB),
        ("0.5", GIB // 2),
        ("16Gi", 16 * GIB),
        ("16 GiB", 16 * GIB),
        (" 16gib ", 16 * GIB),
        ("512Mi", GIB // 2),
        ("1T", 10**12),
        ("16G", 16 * 10**9),
        ("16GB", 16 * 10**9),
        ("512M", 512 * 10**6),
        ("65536Ki", 2**26),
    ],
)
def test_the_command_and_a_request_read_a_size_alike(text: str, size: int) -> None:
    assert sizes.read(text) == size
    assert BytesType().convert(text, None, None) == size
    assert parse_memory(text, least_bytes=0) == size


@pytest.mark.parametrize("text", ["", "16B", "16Gib2", "-1", "1e3", "16 X", "many", "٣", "9" * 400])
def test_what_is_no_size_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"4Gi, 4096Mi or 4GB|use Mi, Gi, MB or GB"):
        BytesType().convert(text, None, None)
    with pytest.raises(BadAmount, match=r"4Gi, 4096Mi or 4GB|use Mi, Gi, MB or GB"):
        parse_memory(text)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 GiB"),
        (4 * GIB, "4 GiB"),
        (15.625 * GIB, "15.62 GiB"),
        (0.25 * GIB, "0.25 GiB"),
        (1024 * GIB, "1024 GiB"),
        (20480.7 * GIB, "20481 GiB"),
        (2 * 2**20, "2 MiB"),
        (999, "0.9756 KiB"),
        (1, "1 B"),
    ],
)
def test_a_size_is_shown_in_few_digits_and_never_with_an_exponent(size: float, shown: str) -> None:
    assert sizes.show(size) == shown


@given(st.integers(2**20, 2**58))
def test_what_is_shown_is_read_as_almost_the_same(size: int) -> None:
    assert sizes.read(sizes.show(size)) == pytest.approx(size, rel=1e-3)
