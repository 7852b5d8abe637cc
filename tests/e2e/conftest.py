"""Whole journeys: a real daemon, real containers, the clients that users have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import Installation


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running Workbench, shared by the tests of a file."""
    installation = Installation(Path(tmp_path_factory.mktemp("home")))
    try:
        installation.start()
        yield installation
    finally:
        installation.remove()
