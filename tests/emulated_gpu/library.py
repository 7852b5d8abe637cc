"""The emulated NVML library, compiled from `nvml.c` where it is needed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.emulated_gpu.faults import CannotEmulate, NotHere

SONAME = "libnvidia-ml.so.1"
_SOURCES = tuple(Path(__file__).with_name(name) for name in ("nvml.c", "holders.h", "state.h", "json.h"))


def install(folder: Path, *, kept_in: Path) -> None:
    """Put the library into a folder, compiled only when its source is new.

    Args:
        kept_in: A folder of the same file system for what was compiled before.

    Raises:
        NotHere: No compiler.
        CannotEmulate: The compiler refused.
    """
    source = b"".join(path.read_bytes() for path in _SOURCES)
    kept = kept_in / hashlib.sha256(source).hexdigest()[:16]
    if not kept.exists():
        kept_in.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept_in) as workshop:
            compile_into(Path(workshop)).replace(kept)
    (folder / SONAME).unlink(missing_ok=True)
    os.link(kept, folder / SONAME)


def compile_into(folder: Path, *options: str) -> Path:
    """Compile the library, replacing one that is there.

    Args:
        options: More for the compiler, for instance `-fsanitize=address`.

    Raises:
        NotHere, CannotEmulate: As `install`.
    """
    if not shutil.which("gcc"):
        raise NotHere("gcc is not installed.", hint="On Debian: apt-get install gcc libc6-dev.")
    library = folder / SONAME
    library.unlink(missing_ok=True)  # it may be a second name of one that is kept
    command = ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fvisibility=hidden"]
    command += [*options, "-shared", f"-Wl,-soname,{SONAME}", str(_SOURCES[0]), "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotEmulate(f"{_SOURCES[0].name} does not compile:\n{done.stderr.strip()}")
    return library
