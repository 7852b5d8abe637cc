"""A small image that needs no registry and no network: this machine's own shell and a few tools.

The tag is the hash of what is in it, so the image is made once on a machine and then found.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import docker
from docker.errors import ImageNotFound

_PROGRAMS = """
    sh bash cat env false getent head hostname id kill ls mkdir seq sleep stat tail touch tr true
"""


def ensure_tiny_image() -> str:
    """Make sure that the engine has the image.

    Returns:
        Its name. It holds a shell and a few tools in /bin, and a world-writable /tmp.
    """
    content = _tar(_files())
    image = f"workbench-tests/tiny:{hashlib.sha256(content).hexdigest()[:16]}"

    engine = docker.from_env().api
    try:
        engine.inspect_image(image)
    except ImageNotFound:
        repository, tag = image.split(":")
        engine.import_image_from_data(content, repository, tag, changes=["ENV PATH=/bin"])
    return image


def _files() -> dict[str, Path]:
    programs = {
        f"bin/{name}": Path(found).resolve() for name in _PROGRAMS.split() if (found := shutil.which(name))
    }
    libraries: dict[str, Path] = {}
    for program in programs.values():
        needed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"(/\S+) \(0x", needed):
            libraries[library.lstrip("/")] = Path(library).resolve()
    return programs | libraries


def _tar(files: dict[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, mode in {"tmp": 0o1777, "etc": 0o755}.items():
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, mode
            tar.addfile(folder)
        for name, source in files.items():
            content = source.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
