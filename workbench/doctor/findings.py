"""What the facts about this machine mean, and what to do about it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from workbench.doctor.facts import Facts

_LEAST_API = (1, 41)
_RENEW_DAYS = 14
_LOOPBACK = ("127.0.0.1", "localhost")


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """What was found about one thing, and what to do about it."""

    check: str
    level: Level
    message: str
    remedy: str = ""


def examine(facts: Facts) -> list[Finding]:
    """Judge what was seen, in the order in which one would mend it."""
    return [
        *_engine(facts),
        *_limits(facts),
        *_network(facts),
        *_files(facts),
        *_disks(facts),
        *_port(facts),
        *_certificate(facts),
        *_gpus(facts),
        *_proxies(facts),
    ]


def _engine(facts: Facts) -> Iterator[Finding]:
    engine = facts.engine
    if engine is None:
        yield Finding("engine", Level.ERROR, facts.engine_trouble, facts.engine_hint)
        return
    if tuple(int(part) for part in engine.api_version.split(".")) < _LEAST_API:
        yield Finding(
            "engine",
            Level.ERROR,
            f"Docker {engine.version} is too old: it speaks API {engine.api_version}.",
            "Install Docker 20.10 or newer.",
        )
    else:
        yield Finding("engine", Level.OK, f"Docker {engine.version} answers.")
    if engine.rootless:
        yield Finding(
            "engine",
            Level.WARNING,
            "Docker runs rootless: files in mounts belong to other uids than in the containers.",
            "Use the system's Docker engine where several people share this machine.",
        )
    if engine.storage_driver == "vfs":
        yield Finding(
            "engine",
            Level.WARNING,
            "Docker stores images with vfs: each container takes a whole copy of its image.",
            "Put Docker's directory on ext4 or XFS, so that it can use overlay2.",
        )


def _limits(facts: Facts) -> Iterator[Finding]:
    if facts.engine is None:
        return
    warnings = " ".join(facts.engine.warnings).lower()
    lost = [what for what in ("memory limit", "cpu cfs quota", "pids limit") if f"no {what}" in warnings]
    if lost:
        yield Finding(
            "cgroups",
            Level.ERROR,
            f"The kernel cannot enforce: {', '.join(lost)}.",
            "Enable the memory, cpu and pids controllers (kernel command line: cgroup_enable=memory).",
        )
    else:
        yield Finding("cgroups", Level.OK, f"Limits work, by cgroups version {facts.engine.cgroup_version}.")
    if "no swap limit" in warnings:
        yield Finding(
            "cgroups",
            Level.WARNING,
            "Swap is not counted: a container may use swap beyond its memory.",
            "Boot with swapaccount=1, or without swap.",
        )


def _network(facts: Facts) -> Iterator[Finding]:
    if not facts.forwarding:
        yield Finding(
            "network",
            Level.WARNING,
            "IP forwarding is off: containers reach nothing beyond this machine.",
            "sysctl -w net.ipv4.ip_forward=1, and restart Docker, which sets it by itself.",
        )


def _files(facts: Facts) -> Iterator[Finding]:
    home = facts.settings.home
    if facts.home_trouble:
        yield Finding(
            "home",
            Level.ERROR,
            f"{home} cannot be written: {facts.home_trouble}.",
            "Correct its owner, or set WORKBENCH_HOME to another directory.",
        )
    elif facts.pins.can_pin:
        yield Finding("mounts", Level.OK, "Mounts are pinned: a swapped directory leads nowhere else.")
    else:
        yield Finding(
            "mounts",
            Level.WARNING,
            f"Mounts cannot be pinned, only checked before each start: {facts.pins.reason}",
            "Run the daemon as root where users are not to trust each other.",
        )
    if not facts.root:
        yield Finding(
            "users",
            Level.WARNING,
            "The daemon is not root: all users' files belong to one uid, and containers run as it.",
            "Run the daemon as root where several people share this machine.",
        )
    if not facts.ca_bundle_there:
        yield Finding(
            "certificates",
            Level.ERROR,
            f"ca_bundle is {facts.settings.ca_bundle}, and there is no such file.",
            "Set WORKBENCH_CA_BUNDLE to the file with your network's certificates.",
        )


def _disks(facts: Facts) -> Iterator[Finding]:
    floor = facts.settings.disk_floor_gib
    for place, free in facts.free_bytes.items():
        gib = free / 2**30
        if gib < floor:
            yield Finding(
                "disk",
                Level.ERROR,
                f"{place} has {gib:.1f} GiB free; below {floor:g} GiB nothing is started.",
                "Free some space: `docker system df` shows what images and containers take.",
            )
        else:
            yield Finding("disk", Level.OK, f"{place} has {gib:.0f} GiB free.")


def _port(facts: Facts) -> Iterator[Finding]:
    address = f"{facts.settings.host}:{facts.settings.port}"
    if not facts.port_trouble:
        yield Finding("port", Level.OK, f"{address} is free.")
    elif facts.gateway_up:
        yield Finding("port", Level.OK, f"{address} is held by Workbench's own gateway.")
    else:
        yield Finding("port", Level.ERROR, *facts.port_trouble)


def _certificate(facts: Facts) -> Iterator[Finding]:
    days = facts.certificate_days
    if facts.certificate_trouble:
        yield Finding(
            "certificate",
            Level.ERROR,
            facts.certificate_trouble,
            "Put a certificate and its key there. A gateway that runs goes on with those from before.",
        )
    elif days is not None and days < _RENEW_DAYS:
        when = "is over" if days <= 0 else f"ends in {max(int(days), 1)} days"
        yield Finding(
            "certificate",
            Level.ERROR if days <= 0 else Level.WARNING,
            f"The time of the certificate {facts.settings.tls_certificate} {when}.",
            "Renew it in its place; the gateway takes the new one within a minute.",
        )
    elif days is not None:
        yield Finding("certificate", Level.OK, f"The certificate is good for {int(days)} days.")


def _gpus(facts: Facts) -> Iterator[Finding]:
    graphics, engine = facts.graphics, facts.engine
    if graphics.mismatch:
        yield Finding("gpus", Level.ERROR, graphics.reason, "Reboot: GPUs cannot be given out until then.")
        return
    if not graphics.gpus:
        broken = facts.gpu_devices
        level, remedy = (Level.ERROR, "Look at `dmesg | grep -i nvrm`.") if broken else (Level.OK, "")
        yield Finding("gpus", level, f"No GPUs: {graphics.reason or 'the driver lists none.'}", remedy)
        return
    for gpu in graphics.gpus:
        card = f"GPU {gpu.index} {gpu.name}".strip()
        if gpu.problem:
            what, remedy = _what_and_remedy(gpu.problem)
            yield Finding("gpus", Level.ERROR, f"{card}: {what}", remedy or "Reset it, or reboot.")
        for warning in facts.gpu_warnings.get(gpu.index, ()):
            yield Finding("gpus", Level.WARNING, *_what_and_remedy(f"{card}: {warning}"))
    usable = sum(not gpu.problem for gpu in graphics.gpus)
    versions = f"driver {graphics.driver}, CUDA {graphics.cuda}"
    yield Finding("gpus", Level.OK, f"{usable} of {len(graphics.gpus)} GPUs can be used, {versions}.")
    if engine is None:
        return
    cdi = any(device.startswith("nvidia.com/gpu=") for device in engine.cdi_devices)
    if not (cdi or facts.hook or engine.gives_gpus):
        yield Finding(
            "gpus",
            Level.ERROR,
            "Docker cannot give GPUs to containers: NVIDIA's container toolkit is missing.",
            "Install nvidia-container-toolkit and restart Docker.",
        )
    elif engine.cgroup_driver == "systemd" and not cdi:
        yield Finding(
            "gpus",
            Level.WARNING,
            "Containers lose their GPUs when systemd reloads (`systemctl daemon-reload`).",
            "Let Docker use CDI (nvidia-ctk cdi generate), or set its cgroup driver to cgroupfs.",
        )


def _what_and_remedy(sentences: str) -> tuple[str, str]:
    """What a card says of itself: one sentence, and what to do about it in the next."""
    what, _, remedy = sentences.partition(". ")
    return f"{what.rstrip('.')}.", remedy


def _proxies(facts: Facts) -> Iterator[Finding]:
    if not facts.http_proxy:
        return
    listed = set(re.split(r"[,\s]+", facts.no_proxy))
    missing = "" if listed & {*_LOOPBACK, "*"} else f" NO_PROXY lacks {', '.join(_LOOPBACK)}."
    yield Finding(
        "proxy",
        Level.WARNING,
        f"HTTP_PROXY is set: PAI's SDKs use it even for {facts.settings.endpoint}.{missing}",
        "Unset HTTP_PROXY and http_proxy for programs that use these SDKs with Workbench.",
    )
