"""`workbench dashboard`: the command becomes the dashboard, for whom and where its user says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("options", "environment"),
    [((), {"WORKBENCH_ENDPOINT": "nonsense"}), (("--endpoint", "nonsense"), {})],
)
def test_a_workbench_elsewhere_is_asked_for_by_option_or_by_environment(
    tmp_path: Path, options: tuple[str, ...], environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workbench.cli", *options, "dashboard"],
        env={**os.environ, "WORKBENCH_HOME": str(tmp_path), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 2
    assert "endpoint is 'nonsense'" in done.stderr
