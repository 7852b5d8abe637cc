"""Secrets in the database are of no use without the key beside it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from workbench.errors import WorkbenchError
from workbench.store.vault import Vault


def test_what_was_sealed_is_opened_by_the_same_key_only(tmp_path: Path) -> None:
    sealed = Vault(tmp_path / "key").seal("secret")

    assert "secret" not in sealed
    assert Vault(tmp_path / "key").open(sealed) == "secret"
    with pytest.raises(WorkbenchError):
        Vault(tmp_path / "other").open(sealed)


def test_nobody_else_can_read_the_key(tmp_path: Path) -> None:
    Vault(tmp_path / "key").seal("secret")

    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_process_killed_while_it_made_the_key_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f"key.{os.getpid()}").write_bytes(b"half")

    vault = Vault(tmp_path / "key")

    assert vault.open(vault.seal("secret")) == "secret"
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_a_changed_secret_is_noticed(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "key")
    sealed = vault.seal("secret")

    with pytest.raises(WorkbenchError):
        vault.open(sealed[:-4] + ("AAAA" if sealed[-4:] != "AAAA" else "BBBB"))
