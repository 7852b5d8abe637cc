"""Values on the command line: taken apart rightly, or refused before anything happens."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cli.values import DurationType, MountType, VariableType
from workbench.client.notebooks import Mount

PATHS = st.from_regex(r"/[A-Za-z0-9_./ -]{0,30}", fullmatch=True)


@given(PATHS, PATHS, st.sampled_from(["", ":ro", ":rw"]))
def test_a_mount_is_its_uri_its_place_and_its_access(source: str, place: str, access: str) -> None:
    mount = MountType().convert(f"nas://workspace{source}:{place}{access}", None, None)

    assert mount == Mount(uri=f"nas://workspace{source}", path=place, read_only=access == ":ro")


def test_the_port_of_a_server_is_not_taken_for_the_place() -> None:
    mount = MountType().convert("nfs://server:2049/export:/mnt/export:ro", None, None)

    assert mount == Mount(uri="nfs://server:2049/export", path="/mnt/export", read_only=True)


@pytest.mark.parametrize("wrong", ["", "/data:/mnt", "nas://data", "nas://data:mnt", "nas://data:/mnt:rx"])
def test_what_is_no_mount_is_refused(wrong: str) -> None:
    with pytest.raises(click.BadParameter, match="not a mount"):
        MountType().convert(wrong, None, None)


def test_a_variable_keeps_all_behind_its_first_equals_sign() -> None:
    assert VariableType().convert("A=b=c", None, None) == ("A", "b=c")
    assert VariableType().convert("A=", None, None) == ("A", "")


@pytest.mark.parametrize("wrong", ["A", "=b", ""])
def test_what_is_no_variable_is_refused(wrong: str) -> None:
    with pytest.raises(click.BadParameter, match="not a variable"):
        VariableType().convert(wrong, None, None)


def test_a_time_is_a_number_and_a_unit() -> None:
    assert [DurationType().convert(text, None, None) for text in ("0", "90m", "8h", "2d")] == [
        0, 5_400_000, 28_800_000, 172_800_000
    ]  # fmt: skip


@pytest.mark.parametrize("wrong", ["8", "-1h", "1.5h", "8 h", "h"])
def test_what_is_no_time_is_refused(wrong: str) -> None:
    with pytest.raises(click.BadParameter, match="not a time"):
        DurationType().convert(wrong, None, None)
