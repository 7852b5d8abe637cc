from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.storage import rules, schemes
from workbench.storage.rules import Access, BadMount
from workbench.storage.schemes.nas import Source

PIECES = st.sampled_from(["/", "//", ".", "..", "proc", "mnt", "a", " ", "\0", "\n", "é", "\ud800", "%2e"])
HOSTILE = st.one_of(st.text(), st.lists(PIECES).map("".join))


@given(HOSTILE)
@example("/mnt/../etc")
@example("/mnt/data/../../proc/1")
@example("//etc/passwd")
def test_no_spelling_of_a_target_leads_to_a_closed_place(text: str) -> None:
    try:
        target = rules.check_target(text)
    except BadMount:
        return
    path = PurePosixPath(target)
    assert path.is_absolute()
    assert str(path) == target
    assert len(path.parts) > 1
    assert path.parts[1] not in ("proc", "sys", "dev", "etc", "..", ".")
    assert target not in (rules.HOME, rules.ENVIRONMENT)


@given(HOSTILE)
def test_no_uri_names_anything_above_its_root(text: str) -> None:
    try:
        source = schemes.parse(f"nas://{text}")
    except BadMount:
        return
    assert source.root
    for name in (source.root, *source.below):
        assert name not in ("", ".", "..")
        assert "/" not in name
        assert "\0" not in name


@pytest.mark.parametrize("closed", ["/", "/proc/x", "/sys", "/dev/shm", "/etc/passwd", "/mnt/workspace/"])
def test_a_place_the_pod_needs_itself_is_refused_by_name(closed: str) -> None:
    with pytest.raises(BadMount, match="/mnt/data"):
        rules.check_target(closed)


def test_a_slash_too_many_means_nothing() -> None:
    assert rules.check_target("/mnt//data/") == "/mnt/data"
    assert schemes.parse("nas://workspace//a/b/") == Source("workspace", ("a", "b"))


def test_outer_mounts_come_before_what_lies_in_them() -> None:
    targets = ["/mnt/data/in/deep", "/opt", "/mnt/data", "/mnt/data/in"]

    assert rules.in_order(targets) == ["/opt", "/mnt/data", "/mnt/data/in", "/mnt/data/in/deep"]
    assert rules.holder_of("/mnt/data/in/deep", targets) == "/mnt/data/in"
    assert rules.holder_of("/mnt/database", targets) is None


def test_access_is_read_and_write_unless_said_otherwise() -> None:
    assert rules.check_access("") is Access.READ_WRITE
    assert rules.check_access("ro") is Access.READ_ONLY
    with pytest.raises(BadMount, match="RO or RW"):
        rules.check_access("rwx")


@pytest.mark.parametrize("uri", ["oss://bucket/x", "s3://bucket", "nfs://host/x", "http://host/x"])
def test_a_storage_that_is_not_offered_yet_is_said_to_be_so(uri: str) -> None:
    with pytest.raises(BadMount, match=r"not offered yet.*nas://") as refusal:
        schemes.parse(uri)
    assert refusal.value.code == "InvalidParameter"


@pytest.mark.parametrize(
    "uri", ["/etc", "etc", "", "nas:workspace", "nas://", "nas:///x", "file:///etc", "nas://a/../b"]
)
def test_what_is_no_uri_is_refused(uri: str) -> None:
    with pytest.raises(BadMount):
        schemes.parse(uri)
