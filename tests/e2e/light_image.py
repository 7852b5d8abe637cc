"""An image for notebooks of which a test wants many: it starts at once and needs little memory.

It stands on Workbench's own base image; its `jupyter` is a few lines of Python.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from workbench.runtime.images import Images, Present
from workbench.settings import Settings

_JUPYTER = Path(__file__).with_name("stand_in_jupyter")
_BUILT_WITHIN_S = 900


def ensure_light_image(settings: Settings, home_id: str) -> str:
    """Make sure that the engine has the image; its name."""
    recipe = f"FROM {_base(settings, home_id)}\nCOPY jupyter /usr/local/bin/\n"
    files = {"Dockerfile": recipe.encode(), "jupyter": _JUPYTER.read_bytes()}
    image = f"workbench-tests/light:{hashlib.sha256(repr(files).encode()).hexdigest()[:16]}"
    engine = docker.DockerClient(settings.docker_host)
    try:
        engine.images.get(image)
    except ImageNotFound:
        engine.images.build(fileobj=_tar(files), custom_context=True, tag=image, rm=True)
    return image


def _base(settings: Settings, home_id: str) -> str:
    changed = threading.Event()
    images = Images(settings, home_id, lambda name: changed.set())
    while not isinstance(status := images.ensure("base"), Present):
        assert changed.wait(_BUILT_WITHIN_S), f"no base image: {status}"
        changed.clear()
    return status.reference


def _tar(files: dict[str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer
