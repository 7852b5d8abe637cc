"""The door to the Docker engine.

All that can go wrong on the way to the engine becomes one of our errors here: it does not
answer (`EngineAway`, nothing may be concluded), or it answers that it will not
(`EngineRefused`). What "no such container" means is for the caller to say, so Docker's
`NotFound` passes through while the door is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from docker import APIClient
from docker.errors import APIError, DockerException
from docker.types import CancellableStream

from workbench.errors import Conflict, EngineAway


class EngineRefused(Conflict):
    """The engine answered that it will not do this."""

    code = "EngineRefused"


@dataclass(frozen=True, kw_only=True)
class EngineFacts:
    """What the engine is and can do.

    `cgroup_version` is 1 or 2. `cdi_devices` are devices that the engine itself can name
    (`nvidia.com/gpu=GPU-…`). `gives_gpus` is None where only a start would tell: an engine
    does not say whether it found NVIDIA's hook.
    """

    version: str
    api_version: str
    cgroup_version: int
    cgroup_driver: str
    storage_driver: str
    root_dir: str
    cpus: int
    memory_bytes: int
    security_options: tuple[str, ...]
    runtimes: tuple[str, ...]
    default_runtime: str
    live_restore: bool
    rootless: bool
    cdi_devices: tuple[str, ...]
    gives_gpus: bool | None
    warnings: tuple[str, ...]


class Engine:
    """One Docker engine, spoken to by any number of threads.

    Args:
        docker_host: Its address, `unix:///var/run/docker.sock` for example.
        answer_within_s: Seconds after which no answer counts as none. A sound but busy engine may
            need long to create or start a container.
    """

    def __init__(self, docker_host: str, *, answer_within_s: float = 60) -> None:
        self.docker_host = docker_host
        self._answer_within_s = answer_within_s
        self._client: APIClient | None = None

    @contextmanager
    def open(self) -> Iterator[APIClient]:
        """Speak to the engine. Keep everything that is not about Docker out of this block.

        Raises:
            EngineAway: It does not answer, or answers that something in it is broken.
            EngineRefused: It says no.
            docker.errors.NotFound: There is no such thing; only the caller knows what that means.
        """
        try:
            client = self._client
            if client is None:
                client = APIClient(self.docker_host, version="auto", timeout=self._answer_within_s)
                self._client = client
            yield client
        except APIError as error:
            if error.status_code == requests.codes.not_found:
                raise
            raise _refused(error) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, DockerException, OSError) as error:
            self._client = None  # the engine that comes back may be another version
            raise self._away(error) from error

    def facts(self) -> EngineFacts:
        """Ask what the engine is and can do."""
        with self.open() as docker:
            return _facts(docker.info(), docker.api_version)

    def _away(self, error: Exception) -> EngineAway:
        causes = list(_causes(error))
        if any(isinstance(cause, PermissionError) for cause in causes):
            return EngineAway(
                f"Docker at {self.docker_host} may not be used by this user.",
                hint="Join its group (`sudo usermod -aG docker $USER`, then log in again), or use sudo.",
            )
        if any(isinstance(cause, TimeoutError | requests.Timeout) for cause in causes):
            return EngineAway(
                f"Docker at {self.docker_host} did not answer within {self._answer_within_s:g} s.",
                hint="It may be overloaded; `journalctl -u docker` says more.",
            )
        if any(isinstance(cause, FileNotFoundError | ConnectionRefusedError) for cause in causes):
            return EngineAway(
                f"No Docker engine answers at {self.docker_host}.",
                hint="Start it (`sudo systemctl start docker`) or install it (`sudo apt install docker.io`).",
            )
        return EngineAway(f"The connection to Docker at {self.docker_host} broke: {causes[-1]}.")


def hang_up(stream: CancellableStream) -> None:
    """End a stream of the engine's, from whichever thread."""
    with suppress(OSError, AttributeError):  # it was just ending by itself
        stream.close()


def _refused(error: APIError) -> Conflict | EngineAway:
    said = str(error.explanation or error).strip()
    if error.is_server_error():
        return EngineAway(f"Docker failed: {said}.", hint="The engine's own log says more.")
    return EngineRefused(f"Docker refused: {said}.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _facts(info: Mapping[str, Any], api_version: str) -> EngineFacts:
    runtimes = tuple(sorted(info.get("Runtimes") or {}))
    security = tuple(info.get("SecurityOptions") or ())
    devices = tuple(
        device["ID"] for device in info.get("DiscoveredDevices") or () if device["Source"] == "cdi"
    )
    gpus = any(device.startswith("nvidia.com/gpu=") for device in devices)
    return EngineFacts(
        version=info["ServerVersion"],
        api_version=api_version,
        cgroup_version=int(info.get("CgroupVersion") or 1),
        cgroup_driver=info.get("CgroupDriver", ""),
        storage_driver=info["Driver"],
        root_dir=info["DockerRootDir"],
        cpus=info["NCPU"],
        memory_bytes=info["MemTotal"],
        security_options=security,
        runtimes=runtimes,
        default_runtime=info.get("DefaultRuntime", ""),
        live_restore=bool(info.get("LiveRestoreEnabled")),
        rootless=any("name=rootless" in option for option in security),
        cdi_devices=devices,
        gives_gpus=True if gpus or "nvidia" in runtimes else None,
        warnings=tuple(info.get("Warnings") or ()),
    )
