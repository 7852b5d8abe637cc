"""The other way a container gets a GPU: a Container Device Interface spec.

The engine reads it and edits containers itself; no program of NVIDIA's runs. NVIDIA's own
generator writes such a spec on a real machine.
Source: https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.emulated_gpu.devices import FOLDER_IN_CONTAINER, LIBRARY_IN_CONTAINER, DeviceFile, grants
from tests.emulated_gpu.library import SONAME
from tests.emulated_gpu.machine import Machine

KIND = "nvidia.com/gpu"


def write_spec(machine: Machine, folder: Path) -> Path:
    """Tell an engine which devices there are. It notices changes while it runs.

    Args:
        folder: The engine's folder of specs, `cdi-spec-dirs`.
    """
    every: dict[DeviceFile, None] = {}
    devices = []
    for grant in grants(machine.state):
        devices += [_device(name, grant.files) for name in grant.names]
        every.update(dict.fromkeys(grant.files))
    devices.append(_device("all", tuple(every)))
    spec = {
        "cdiVersion": "0.5.0",
        "kind": KIND,
        "devices": devices,
        "containerEdits": {
            "env": ["NVIDIA_VISIBLE_DEVICES=void"],  # so that no toolkit grants them a second time
            "mounts": [
                _mount(machine.path.parent, FOLDER_IN_CONTAINER),
                _mount(machine.path.parent / SONAME, LIBRARY_IN_CONTAINER),
            ],
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "emulated.new"
    written.write_text(json.dumps(spec, indent=1))
    return written.rename(folder / "emulated.json")


def _device(name: str, files: tuple[DeviceFile, ...]) -> dict[str, Any]:
    nodes = [
        {"path": file.path, "type": "c", "major": file.major, "minor": file.minor, "permissions": "rw"}
        for file in files
    ]
    return {"name": name, "containerEdits": {"deviceNodes": nodes}}


def _mount(source: Path, target: str) -> dict[str, Any]:
    return {"hostPath": str(source), "containerPath": target, "options": ["ro", "nosuid", "nodev", "bind"]}
