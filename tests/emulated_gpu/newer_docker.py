"""A Docker that knows device specs, where the installed one does not.

It comes from a newer Debian, by the mirror and the keys that this machine's apt uses, and is
unpacked beside the installed one; nothing is installed. It runs with the installed runc:
a newer one would want a newer C library.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.emulated_gpu.faults import NotHere

_SUITES = ("forky", "trixie")
_PACKAGES = ("docker.io", "containerd")


def newer_docker(folder: Path) -> Path:
    """Unpack it into a folder, once.

    Returns:
        For `Engine`'s `programs`.

    Raises:
        NotHere: This is no Debian, or its mirror cannot be reached or has no newer one.
    """
    for suite in _SUITES:
        if (folder / suite).is_dir():
            return folder / suite
    if not shutil.which("apt-get"):
        raise NotHere("A newer Docker is fetched with apt, and there is none.")
    folder.mkdir(parents=True, exist_ok=True)
    problems = []
    for suite in _SUITES:
        with tempfile.TemporaryDirectory(dir=folder) as workshop:
            try:
                _unpack(suite, Path(workshop))
            except subprocess.CalledProcessError as error:
                problems.append(f"{suite}: {error.stderr.strip().splitlines()[-1:]}")
                continue
            return (Path(workshop) / "programs").rename(folder / suite)
    raise NotHere(f"No newer Docker can be had. {' '.join(problems)}")


def _unpack(suite: str, workshop: Path) -> None:
    for needed in ("lists/partial", "archives/partial", "programs"):
        (workshop / needed).mkdir(parents=True)
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (workshop / "sources.list").write_text(f"deb [signed-by={keys}] {_mirror()} {suite} main\n")
    settings = {
        "Dir::Etc::SourceList": workshop / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": workshop / "lists",
        "Dir::Cache": workshop,
        "APT::Sandbox::User": "root",
        "Acquire::Retries": 0,
    }
    apt = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in settings.items())]
    _run(*apt, "--error-on=any", "update", cwd=workshop)
    _run(*apt, "download", *_PACKAGES, cwd=workshop)
    for package in workshop.glob("*.deb"):
        _run("dpkg", "-x", str(package), str(workshop / "programs"), cwd=workshop)


def _mirror() -> str:
    known = _run("apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", cwd=Path("/"))
    for line in known.splitlines():
        origin, _, address = line.partition(" ")
        if origin == "Debian" and "security" not in address:
            return address
    raise NotHere("This machine's apt knows no archive of Debian's.")


def _run(*command: str, cwd: Path) -> str:
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout
