"""A home of its own for each test, with two members."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.settings import Settings
from workbench.storage import MountContext, Storage

ROOT = os.geteuid() == 0
UID = 5001 if ROOT else os.geteuid()
GROUP = 6000 if ROOT else os.getegid()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A new home, and one directory that administrators allow as nas://library/."""
    library = tmp_path / "library"
    library.mkdir()
    return Settings(home=tmp_path / "home", docker_host="unix:///nowhere", mount_roots={"library": library})


@pytest.fixture
def storage(settings: Settings) -> Iterator[Storage]:
    """Storage of that home; its pins are gone afterwards."""
    settings.home.mkdir()
    storage = Storage(settings)
    storage.directories.make_shared("w1", gid=GROUP)
    yield storage
    storage.sweep(keep=())


@pytest.fixture
def alice() -> MountContext:
    """A member of the workspace; the daemon's own user where that is not root."""
    return MountContext(workspace_id="w1", user="alice", uid=UID, gid=UID, groups=(GROUP,))
