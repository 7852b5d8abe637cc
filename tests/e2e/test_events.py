"""`workbench events`: what happened, and what happens while one looks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installation import Installation

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


def test_what_happens_is_told_as_it_happens(
    workbench: Installation, light_image: str, tmp_path: Path
) -> None:
    first = workbench.create("first", ImageUrl=light_image)
    workbench.until_status(first, "Running")
    listed = workbench.run("events", "--json").stdout.splitlines()
    assert json.loads(listed[0])["message"].startswith("Created by ")
    assert json.loads(listed[-1])["message"] == "The notebook is Running."

    told = tmp_path / "told"
    command = [sys.executable, "-m", "workbench.cli", "events", "--follow", "--limit", "1"]
    with told.open("w") as file:
        following = subprocess.Popen(command, env=workbench.environment, stdout=file)
    try:
        workbench.until(lambda: "The notebook is Running." in told.read_text(), "the newest is told")
        workbench.run("notebook", "stop", "first")
        workbench.until(lambda: "The notebook is Stopped." in told.read_text(), "its stop is told")
    finally:
        following.kill()
        following.wait()

    newest, asked, *_, stopped = told.read_text().splitlines()
    assert "Running" in newest
    assert "Normal  first  Stopping  Stop asked for by" in asked
    assert "Normal  first  Stopped" in stopped
