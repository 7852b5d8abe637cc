"""Why a container did not start, in words that help.

Pure: the engine's sentence in, one of our errors out. The engine wraps the one fact that
matters in the names of all the programs that passed it on, and never says what to do.
"""

from __future__ import annotations

import re

from workbench.errors import Conflict, EngineAway, WorkbenchError


class ImageMissing(Conflict):
    """The engine does not have the image."""

    code = "ImageMissing"

    def __init__(self, image: str) -> None:
        super().__init__(f"The engine has no image {image}.", hint="Pull or build it first.")
        self.image = image


class NameTaken(Conflict):
    """A container that is not ours has the name that this pod needs."""

    code = "NameTaken"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Another container is already called {name}.",
            hint=f"Look at it (`docker inspect {name}`), and remove it if nobody needs it.",
        )
        self.name = name


class OtherGeneration(Conflict):
    """The pod of an earlier start is still there; stop and remove it first."""

    code = "OtherGeneration"

    def __init__(self, name: str, *, found: int, wanted: int) -> None:
        super().__init__(f"{name} is still there from start {found}; start {wanted} has to wait.")
        self.found = found
        self.wanted = wanted


class StartRefused(Conflict):
    """The engine would not start the container, and would not another time either."""

    code = "StartRefused"


_HINTS = (
    (
        r"could not select device driver",
        "Docker cannot give GPUs: install nvidia-container-toolkit, then restart Docker.",
    ),
    (r"unknown device|unresolvable CDI devices", "`workbench doctor` lists the GPUs that are usable."),
    (r"no space left on device", "Free some disk space; `docker system df` says what Docker uses."),
    (r"docker-init", "Docker's own init program is missing: install the package tini, or docker-init."),
    (
        r"chdir to cwd|mkdir .*: not a directory|Cannot mkdir",
        "The working directory is no directory that this user may enter; choose another.",
    ),
    (r"address already in use|port is already allocated", "Stop what holds the port, or choose another."),
    (r"Range of CPUs", "Ask for fewer CPUs."),
    (r"[Mm]inimum memory limit", "Ask for more memory."),
    (r"bind source path does not exist", "What should be mounted has gone; make it again."),
    (r"unable to find user|no matching entries in passwd", "Give the user as numbers, uid:gid."),
    (r"network \S+ not found", "The network was removed meanwhile; start again."),
)

_WRAPPING = re.compile(
    r"^(failed to create task for container|failed to create shim( task)?|OCI runtime create failed"
    r"|(runc|crun|nvidia-container-runtime)( create failed)?|container_linux\.go:\d+|process_linux\.go:\d+"
    r"|unable to start container process|starting container process caused|error during container init"
    r"|Error response from daemon):? ?"
)

_PASSING = re.compile(
    r"context (deadline exceeded|canceled)|transport is closing|ttrpc: closed|error while dialing"
    r"|connection error: desc|containerd\S* (is )?(not running|unavailable)|daemon is shutting down",
    re.IGNORECASE,
)
"""The engine is itself in trouble: this says nothing about the container."""


def why_not_started(said: str) -> WorkbenchError:
    """Turn the engine's refusal into an error of ours.

    Args:
        said: The engine's message as it came.

    Returns:
        `EngineAway` where only the engine is in trouble, else `StartRefused`.
    """
    message = clean(said)
    if _PASSING.search(said):
        return EngineAway(f"Docker failed: {message}.")
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, said)), "")
    return StartRefused(f"Docker did not start the container: {message}.", hint=hint)


def clean(said: str) -> str:
    """Take off the names of the programs that only passed the message on."""
    message = said.strip().removesuffix(": unknown").rstrip(".")
    while (shorter := _WRAPPING.sub("", message)) != message:
        message = shorter
    return message
