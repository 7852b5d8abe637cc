"""The daemon as a process of its own, as `workbench up` begins it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from workbench.cli import daemon_process
from workbench.settings import load


def test_only_who_runs_it_reads_its_log_even_where_everybody_could(tmp_path: Path) -> None:
    settings = load({"home": tmp_path}, {})
    log = daemon_process.log_file(settings)
    log.parent.mkdir(mode=0o755)
    log.touch(mode=0o644)

    refused = {**os.environ, "WORKBENCH_HOME": str(tmp_path), "WORKBENCH_WORKERS": "none"}
    daemon_process.launch(settings, refused).wait()

    assert "WORKERS" in log.read_text().upper()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (log.parent, log)] == [0o700, 0o600]
