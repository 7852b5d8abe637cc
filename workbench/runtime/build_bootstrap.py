"""The lowest image, made from Debian's packages where no registry can be reached.

Made once and kept; nothing of it counts before it is whole. It needs mmdebstrap on this
machine, which runs as root, or as a user whose machine allows user namespaces.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from workbench.errors import Conflict
from workbench.runtime.build_recipes import LABEL, REPOSITORY
from workbench.runtime.engine import Engine
from workbench.runtime.pull import Tell
from workbench.settings import Settings

_SUITE = "bookworm"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_OPTIONS = (
    "--variant=minbase",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/lintian/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
)
_CHUNK_BYTES = 2**18
_LINES_TOLD = 8

REFERENCE = f"{REPOSITORY}bootstrap:{sha256(' '.join((_SUITE, *_OPTIONS)).encode()).hexdigest()[:12]}"
"""What this image is called, by how it is made."""


class BootstrapFailed(Conflict):
    """The lowest image could not be made here."""

    code = "ImageNotBuilt"


def bootstrap(engine: Engine, settings: Settings, builder: str, tell: Tell) -> None:
    """Make the lowest image; this takes about a minute.

    Args:
        engine: Where the image is needed.
        settings: Say which mirror, proxies and certificates to use.
        builder: Whose work it is, should it be interrupted.
        tell: Hears how far it is.

    Raises:
        BootstrapFailed: mmdebstrap is missing or failed; the message has its last words.
        EngineAway: The engine does not answer.
    """
    _check_tools()
    tell("making a base system from Debian's packages, about a minute", None)
    with TemporaryFile() as words:
        maker = subprocess.Popen(
            _command(settings), stdout=subprocess.PIPE, stderr=words, env=_environment(settings)
        )
        with maker, engine.open() as docker:  # leaving it ends a maker that nobody listens to
            changes = [f"LABEL {LABEL}={builder}", 'CMD ["bash"]']
            answer = docker.import_image_from_data(_chunks(maker.stdout), changes=changes)
        if maker.returncode:
            words.seek(0)
            raise _failed(words.read().decode(errors="replace").splitlines())
    image_id = _imported(answer)
    with engine.open() as docker:  # only now does it count
        docker.tag(image_id, *REFERENCE.split(":"))


def _check_tools() -> None:
    if shutil.which("mmdebstrap") and _KEYRING.exists():
        return
    raise BootstrapFailed(
        "No registry can be reached, and what could do without one is not here: mmdebstrap, Debian's keys.",
        hint="Install them: `sudo apt-get install mmdebstrap debian-archive-keyring`.",
    )


def _command(settings: Settings) -> list[str]:
    trust = [f'--aptopt=Acquire::https::CAInfo "{settings.ca_bundle}"'] if settings.ca_bundle else []
    return [
        "mmdebstrap",
        *_OPTIONS,
        f"--keyring={_KEYRING}",
        *trust,
        _SUITE,
        "-",
        # Without any, mmdebstrap takes Debian's own archives: the suite, its updates, its security.
        *(_sources(settings.apt_mirror.rstrip("/")) if settings.apt_mirror else ()),
    ]


def _sources(mirror: str) -> Iterable[str]:
    return (
        f"deb {mirror} {_SUITE} main",
        f"deb {mirror} {_SUITE}-updates main",
        f"deb {mirror}-security {_SUITE}-security main",
    )


def _environment(settings: Settings) -> dict[str, str]:
    proxies = {
        "http_proxy": settings.http_proxy,
        "https_proxy": settings.https_proxy,
        "no_proxy": settings.no_proxy,
    }
    return {**os.environ, **{name: value for name, value in proxies.items() if value}}


def _chunks(output: IO[bytes] | None) -> Iterator[bytes]:
    assert output
    while chunk := output.read(_CHUNK_BYTES):
        yield chunk


def _failed(words: list[str]) -> BootstrapFailed:
    told = "\n".join(words[-_LINES_TOLD:])
    return BootstrapFailed(
        f"No registry can be reached, and making a base system from Debian's packages failed:\n{told}",
        hint="Check that Debian's mirror can be reached (settings apt_mirror, http_proxy)"
        + ("." if os.geteuid() == 0 else "; as another user than root it needs user namespaces."),
    )


def _imported(answer: str) -> str:
    last = json.loads(answer.strip().splitlines()[-1])
    if "error" in last:
        raise BootstrapFailed(f"Docker did not take the base system: {last['error']}.")
    return str(last["status"])
