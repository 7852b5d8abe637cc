"""Whole journeys: a real daemon, real containers, the clients that users have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.light_image import ensure_light_image
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


@pytest.fixture(scope="module")
def light_image(workbench: Installation) -> str:
    """An image whose notebooks start at once."""
    return ensure_light_image(workbench.settings, (workbench.settings.home / "id").read_text().strip())
