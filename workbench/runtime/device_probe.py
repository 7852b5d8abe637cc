"""Whether a running pod may still open the devices that it was given.

Where systemd manages the groups and NVIDIA's hook gives the devices, systemd knows nothing of them: when
it reloads, it writes its own rules, and containers are shut out of their GPUs. The files are still there,
programs that have them open go on, and nobody is told. So one is asked to open them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from docker.errors import NotFound

from workbench.errors import WorkbenchError
from workbench.runtime.engine import Engine
from workbench.runtime.pods import Pod

log = logging.getLogger(__name__)

_ANSWERS_WITHIN_S = 10.0
"""Opening hangs where the driver does, and then what hangs cannot be ended."""

_TRY = """
for device; do
    case $( (: <"$device") 2>&1 ) in
        *"Operation not permitted"*) echo "$device" ;;
    esac
done
"""
"""Only what the group's rules forbid: a file's mode says «Permission denied», a driver that is gone
«No such device»."""


@dataclass(frozen=True)
class _Answer:
    at: float
    refused: frozenset[str]


class DeviceProbe:
    """Asks in the pods of one engine, and each of them but once in so many seconds."""

    def __init__(self, docker_host: str, *, every_s: float = 60) -> None:
        self._engine = Engine(docker_host, answer_within_s=_ANSWERS_WITHIN_S)
        self._every_s = every_s
        self._answers: dict[str, _Answer] = {}

    def refused(self, pod: Pod, devices: Sequence[str]) -> frozenset[str]:
        """Those of the device files that the pod may not open.

        As of when it was last asked. Where it cannot be told (no shell in the image, an engine that is
        away, a driver that hangs), what was last known stands.
        """
        if not devices:
            return frozenset()
        now = time.monotonic()
        last = self._answers.get(pod.container)
        if last is None or now - last.at >= self._every_s:
            known = last.refused if last else frozenset()
            last = _Answer(now, self._ask(pod, devices, known))
            recent = {id: each for id, each in self._answers.items() if now - each.at < 2 * self._every_s}
            self._answers = {**recent, pod.container: last}
        return last.refused

    def _ask(self, pod: Pod, devices: Sequence[str], known: frozenset[str]) -> frozenset[str]:
        try:
            with self._engine.open() as docker:
                asked = docker.exec_create(
                    pod.container, ["sh", "-c", _TRY, "sh", *devices], environment={"LC_ALL": "C"}
                )["Id"]
                said: bytes = docker.exec_start(asked)
                ended = docker.exec_inspect(asked)["ExitCode"]
        except (WorkbenchError, NotFound) as error:
            log.warning("devices not tried kind=%s id=%s reason=%s", pod.kind, pod.id, error)
            return known
        return frozenset(said.decode(errors="replace").split()) & frozenset(devices) if ended == 0 else known
