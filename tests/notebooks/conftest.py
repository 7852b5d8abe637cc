from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebooks.machine import Machine
from workbench import notebooks, workspaces
from workbench.store import Store
from workbench.store.vault import Vault
from workbench.telemetry import events


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A real database with the tables that notebooks need."""
    store = Store(tmp_path / "state.db")
    store.migrate([events.MIGRATIONS, workspaces.MIGRATIONS, notebooks.MIGRATIONS])
    return store


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "secret.key")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
