"""What can be seen of this machine. Looks at everything, changes and concludes nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.gateway import certificate, port, render
from workbench.node import GpuReading
from workbench.node.gpu_readers import GpuReaders
from workbench.node.gpus import GpuReader
from workbench.runtime import EngineFacts
from workbench.runtime.engine import Engine
from workbench.settings import Settings
from workbench.storage import Ability, Storage

_CARD_ANSWERS_WITHIN_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was seen. `engine_trouble` and its hint are empty where the engine answered.

    `certificate_days` is how long the certificate is good for still, None where there is none that can
    be used; `certificate_trouble` says why it cannot. `port_trouble` is what keeps the gateway from its port,
    and what to do. `gpu_warnings` are what cards that work say of
    themselves, by number.
    """

    settings: Settings
    root: bool
    engine: EngineFacts | None
    engine_trouble: str = ""
    engine_hint: str = ""
    pins: Ability
    free_bytes: Mapping[Path, int] = field(default_factory=dict)
    home_trouble: str = ""
    port_trouble: tuple[str, str] | tuple[()] = ()
    gateway_up: bool = False
    forwarding: bool = True
    graphics: GpuReading
    gpu_warnings: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    gpu_devices: bool = False
    hook: bool = False
    ca_bundle_there: bool = True
    certificate_trouble: str = ""
    certificate_days: float | None = None
    http_proxy: str = ""
    no_proxy: str = ""


def gather(settings: Settings) -> Facts:
    """Look at this machine. Takes a few seconds at most where the engine or a driver is slow."""
    engine, trouble, hint = None, "", ""
    try:
        engine = Engine(settings.docker_host).facts()
    except WorkbenchError as error:
        trouble, hint = error.message, error.hint
    home_trouble = _try_to_write(settings.home)
    graphics = GpuReader().read()
    places = [settings.home, *([Path(engine.root_dir)] if engine else [])]
    return Facts(
        settings=settings,
        root=os.geteuid() == 0,
        engine=engine,
        engine_trouble=trouble,
        engine_hint=hint,
        pins=_try_to_pin(settings),
        free_bytes={place: _free(place) for place in places},
        home_trouble=home_trouble,
        port_trouble=_try_to_listen(settings),
        gateway_up=_answers(settings.run / "gateway" / "master.sock"),
        forwarding=_forwards(),
        graphics=graphics,
        gpu_warnings=_gpu_warnings(graphics),
        gpu_devices=Path("/proc/driver/nvidia/version").exists(),
        hook=shutil.which("nvidia-container-runtime-hook") is not None,
        certificate_trouble=_try_certificate(settings),
        certificate_days=_days_left(settings),
        ca_bundle_there=not settings.ca_bundle or Path(settings.ca_bundle).is_file(),
        http_proxy=os.environ.get("http_proxy") or os.environ.get("HTTP_PROXY") or "",
        no_proxy=os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "",
    )


def _try_certificate(settings: Settings) -> str:
    try:
        certificate.combined(settings)
    except WorkbenchError as error:
        return error.message
    return ""


def _days_left(settings: Settings) -> float | None:
    ends_at = certificate.ends_at(settings)
    return (ends_at - datetime.now(UTC)) / timedelta(days=1) if ends_at else None


def _gpu_warnings(graphics: GpuReading) -> Mapping[int, tuple[str, ...]]:
    states = GpuReaders(deadline_s=_CARD_ANSWERS_WITHIN_S).read(gpu.uuid for gpu in graphics.gpus if gpu.uuid)
    samples = {gpu.index: states[gpu.uuid].sample for gpu in graphics.gpus if gpu.uuid}
    return {index: sample.warnings for index, sample in samples.items() if sample}


def _try_to_write(home: Path) -> str:
    try:
        with tempfile.TemporaryFile(dir=_nearest(home)):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _try_to_pin(settings: Settings) -> Ability:
    with tempfile.TemporaryDirectory() as scratch:
        return Storage(replace(settings, home=Path(scratch))).can_pin()


def _try_to_listen(settings: Settings) -> tuple[str, str] | tuple[()]:
    addresses = render.listens_on(settings, ipv6=port.has_ipv6())
    return port.obstacle([port.host_of(each) for each in addresses], settings.port)


def _answers(path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(os.fspath(path))
        return True
    return False


def _free(place: Path) -> int:
    return shutil.disk_usage(_nearest(place)).free


def _nearest(place: Path) -> Path:
    """The place itself, or what is there of the way to it."""
    return next(each for each in (place, *place.parents) if each.exists())


def _forwards() -> bool:
    return Path("/proc/sys/net/ipv4/ip_forward").read_text().strip() != "0"
