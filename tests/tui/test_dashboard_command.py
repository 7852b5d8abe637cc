"""`workbench dashboard`: the command becomes the dashboard, for whom and where its user says."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("options", "environment"),
    [((), {"WORKBENCH_ENDPOINT": "nonsense"}), (("--endpoint", "nonsense"), {})],
)
def test_a_workbench_elsewhere_is_asked_for_by_option_or_by_environment(
    tmp_path: Path, options: tuple[str, ...], environment: dict[str, str]
) -> None:
    here, there = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", *options, "dashboard"],
        env={**os.environ, "WORKBENCH_HOME": str(tmp_path), **environment},
        stdin=there,
        stdout=there,
        stderr=there,
    ) as process:
        os.close(there)
        said = b""
        with suppress(OSError):  # nobody writes any more
            while piece := os.read(here, 65536):
                said += piece
        os.close(here)
    assert process.returncode == 2
    assert b"endpoint is 'nonsense'" in said
