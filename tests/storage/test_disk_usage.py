from __future__ import annotations

import os
from pathlib import Path

from workbench.storage import disk_bytes

MIB = 2**20


def write(path: Path, size: int = MIB) -> Path:
    path.write_bytes(b"x" * size)
    return path


def test_blocks_are_counted_and_not_lengths(tmp_path: Path) -> None:
    empty = disk_bytes([tmp_path])
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(100 * MIB)
    assert disk_bytes([tmp_path]) - empty < MIB

    write(tmp_path / "full")
    assert MIB <= disk_bytes([tmp_path]) - empty < 2 * MIB


def test_a_file_with_two_names_counts_once_even_across_directories(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    os.link(write(one / "data"), other / "data")

    assert disk_bytes([one, other]) < 2 * MIB


def test_what_a_link_leads_to_does_not_count(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")

    assert disk_bytes([tmp_path / "here"]) < MIB


def test_what_is_not_there_takes_nothing(tmp_path: Path) -> None:
    assert disk_bytes([tmp_path / "nowhere"]) == 0
    assert disk_bytes([]) == 0


def test_a_name_that_looks_like_an_option_is_a_name(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("--files0-from=x").mkdir()
    write(Path("--files0-from=x") / "new\nline")

    assert disk_bytes([Path("--files0-from=x")]) >= MIB
