"""The emulated NVML library, compiled from `nvml.c` where it is needed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.emulated_gpu.faults import CannotEmulate, NotHere

SONAME = "libnvidia-ml.so.1"
_SOURCE = Path(__file__).with_name("nvml.c")


def build(folder: Path, *options: str) -> Path:
    """Compile the library into a folder.

    Args:
        options: More for the compiler, for instance `-fsanitize=address`.

    Raises:
        NotHere: No compiler.
        CannotEmulate: The compiler refused.
    """
    if not shutil.which("gcc"):
        raise NotHere("gcc is not installed.", hint="On Debian: apt-get install gcc libc6-dev.")
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / SONAME
    command = ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fvisibility=hidden"]
    command += ["-shared", f"-Wl,-soname,{SONAME}", *options, "-o", str(library), str(_SOURCE), "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotEmulate(f"{_SOURCE.name} does not compile:\n{done.stderr.strip()}")
    return library
