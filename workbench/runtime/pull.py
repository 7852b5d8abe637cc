"""Fetching an image from a registry: how far it is, and why it did not work.

Registries are the engine's business: its mirrors, proxies and trusted certificates count, and
the user's own `docker login`. Whether a pull worked is judged by the image being there
afterwards, not by what was said on the way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from docker import APIClient
from docker.errors import APIError, DockerException

from workbench.errors import Conflict
from workbench.runtime.engine import Engine

Tell = Callable[[str, float | None], None]
"""Takes what is being done now, in words, and how much of it is done, 0 to 1, where that is known."""

_REGISTRY_ANSWERS_WITHIN_S = 8


class PullFailed(Conflict):
    """An image cannot be had from its registry."""

    code = "ImageNotPulled"


class PullProgress:
    """The engine's many messages about layers, as one line."""

    def __init__(self) -> None:
        self._bytes: dict[str, tuple[int, int]] = {}
        self._done: set[str] = set()

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take one message of the engine's."""
        layer, status = message.get("id", ""), message.get("status", "")
        if status in ("Pulling fs layer", "Waiting"):
            self._bytes.setdefault(layer, (0, 0))
        elif status == "Downloading":
            detail = message.get("progressDetail") or {}
            self._bytes[layer] = (detail.get("current") or 0, detail.get("total") or 0)
        elif status in ("Download complete", "Pull complete", "Already exists"):
            _, total = self._bytes.get(layer, (0, 0))
            self._bytes[layer] = (total, total)
        if status in ("Pull complete", "Already exists"):
            self._done.add(layer)

    @property
    def fraction(self) -> float | None:
        """Share of the bytes that are here; None until the sizes of layers are known."""
        here, total = self._sums()
        return min(here / total, 1.0) if total else None

    def __str__(self) -> str:
        if not self._bytes:
            return "asking the registry"
        here, total = self._sums()
        layers = f"{len(self._done)} of {len(self._bytes)} layers"
        return f"pulling: {layers}, {here / 1e6:.0f} of {total / 1e6:.0f} MB"

    def _sums(self) -> tuple[int, int]:
        return sum(here for here, _ in self._bytes.values()), sum(total for _, total in self._bytes.values())


def pull(engine: Engine, reference: str, tell: Tell) -> None:
    """Fetch an image, or raise what its registry said against it.

    Raises:
        PullFailed: It is not there afterwards; the message says why.
        EngineAway: The engine does not answer.
    """
    progress, said = PullProgress(), ""
    with engine.open() as docker:
        try:
            for message in docker.pull(reference, stream=True, decode=True):
                said = message.get("error") or said
                progress.hear(message)
                tell(str(progress), progress.fraction)
        except APIError as error:
            said = str(error.explanation or error)
    if not is_present(engine, reference):
        raise why_not_pulled(reference, said)


def check_offered(docker_host: str, reference: str) -> None:
    """Ask the registry for an image without fetching it, and do not wait for a network that is not there.

    Raises:
        PullFailed: No registry offers it now.
    """
    try:
        docker = APIClient(docker_host, version="auto", timeout=_REGISTRY_ANSWERS_WITHIN_S)
        docker.inspect_distribution(reference)
    except APIError as error:
        raise why_not_pulled(reference, str(error.explanation or error)) from error
    except (DockerException, OSError) as error:
        said = f"no answer within {_REGISTRY_ANSWERS_WITHIN_S} s: i/o timeout"
        raise why_not_pulled(reference, said) from error


def is_present(engine: Engine, reference: str) -> bool:
    """Whether the engine has an image."""
    return inspect(engine, reference) is not None


def inspect(engine: Engine, reference: str) -> Mapping[str, Any] | None:
    """The engine's description of an image, None where it has none of this name."""
    with engine.open() as docker:
        try:
            found: Mapping[str, Any] = docker.inspect_image(reference)
        except APIError as error:
            if error.is_client_error():  # not found, or no name an image could have
                return None
            raise
    return found


_REASONS = (
    (
        r"invalid reference format|must be lowercase",
        "{image!r} cannot be the name of an image.",
        "A name looks like registry.example.com/team/image:tag, in lower case.",
    ),
    (
        r"no space left on device",
        "The disk became full while {image} was pulled.",
        "Free some space; `docker system df` shows what Docker uses.",
    ),
    (
        r"no matching manifest|does not match the specified platform",
        "Image {image} is not made for this machine's processor.",
        "Choose an image or tag that is.",
    ),
    (
        r"toomanyrequests|rate limit",
        "The registry of {image} lets nobody pull so often.",
        "Wait, or log in on this machine with `docker login`.",
    ),
    (
        r"pull access denied",
        "Image {image} was not found, or its registry wants a login.",
        "Check the name; for a private image use `docker login` on this machine.",
    ),
    (
        r"unauthorized|authentication required|no basic auth|denied",
        "The registry of {image} wants a login, or a better one.",
        "Use `docker login` on this machine as the user who runs Workbench.",
    ),
    (
        r"manifest unknown|not found|does not exist|name unknown",
        "Image {image} was not found.",
        "Check its name and tag.",
    ),
    (
        r"not yet valid|has expired",
        "The registry's certificate for {image} is not valid at this machine's time.",
        "Check the clock with `date`.",
    ),
    (
        r"x509|certificate",
        "Docker does not trust the certificate of {image}'s registry.",
        "Put its CA into /etc/docker/certs.d/<registry>/ca.crt.",
    ),
    (
        r"no such host|dial tcp|timeout|refused|unreachable|EOF|reset by peer|misbehaving|proxyconnect",
        "The registry of {image} cannot be reached: {said}.",
        "Check the network and Docker's proxy, or load the image with `docker load`.",
    ),
)


def why_not_pulled(reference: str, said: str) -> PullFailed:
    """Turn what the engine said into what a user can do about it. Pure."""
    said = said.strip().rstrip(".")
    for pattern, reason, hint in _REASONS:
        if re.search(pattern, said, re.IGNORECASE):
            return PullFailed(reason.format(image=reference, said=said), hint=hint)
    return PullFailed(f"Image {reference} could not be pulled: {said or 'the registry gave no reason'}.")
