"""A daemon that starts undoes the pins that a killed one left, and no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.notebooks.machine import Machine
from workbench import notebooks
from workbench.daemon.wiring import sweep


def test_what_any_kind_has_on_record_stays_pinned(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.keep(id="dsw-1")
    another_kind = replace(notebooks.RESIDENTS, kind="job", pins=lambda db: ["job-1-worker0"])
    folder = machine.parts.settings.run / "pods"
    for name in ("notebook-dsw-1-main", "job-1-worker0", "notebook-dsw-2-main", "job-2-worker0"):
        (folder / name).mkdir(parents=True)

    sweep(machine.parts, (notebooks.RESIDENTS, another_kind))

    assert sorted(each.name for each in folder.iterdir()) == ["job-1-worker0", "notebook-dsw-1-main"]
