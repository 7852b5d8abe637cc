"""What it costs to sample 50 containers, in ratio to one statistics call to the engine for each.

Sampled as the daemon does it every 5 s: from cgroup files, points kept in the metrics' file. CPU
time is the sampler's own process's and the engine's, the latter with containerd. Rounds follow
each other at once, so what is printed for a round is spread over 5 s in a daemon.
"""

from __future__ import annotations

import socket
import statistics
import struct
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import docker
import psutil

from tests.tiny_image import ensure_tiny_image
from workbench.node import Node
from workbench.runtime import Pod, PodPlan, Runtime
from workbench.settings import load
from workbench.telemetry.known_pods import KnownPods
from workbench.telemetry.metric_store import MetricStore
from workbench.telemetry.sampler import Attribution, Sampler
from workbench.telemetry.series import values

_CONTAINERS = 50
_ROUNDS = 36
_EVERY_S = 5


def main() -> None:
    """Measure and print."""
    host = load().docker_host
    runtime = Runtime(host, uuid.uuid4().hex)
    try:
        pods = [_start(runtime, number) for number in range(_CONTAINERS)]
        engine = _engine_processes(host)
        with tempfile.TemporaryDirectory(prefix="wb-bench-") as folder:
            sampled = _measure(_sampling(pods, Path(folder)), engine, _ROUNDS)
        called = _measure(_calling(host, pods), engine, 1)
    finally:
        for pod in runtime.list_pods():
            runtime.remove_pod(pod)

    print(f"{_CONTAINERS} containers, one round of all, mean of {_ROUNDS} (sampled) and 1 (called)")
    print(f"{'CPU time, ms':28}{'sampled':>10}{'called':>10}{'ratio':>8}")
    rows = ("own process", "engine", "both")
    for name, ours, theirs in zip(rows, (*sampled, sum(sampled)), (*called, sum(called)), strict=True):
        print(f"{name:28}{ours * 1e3:10.1f}{theirs * 1e3:10.1f}{ours / theirs if theirs else 0:8.3f}")
    print(f"of one CPU, every {_EVERY_S} s:  {sum(sampled) / _EVERY_S:.2%}")


def _start(runtime: Runtime, number: int) -> Pod:
    return runtime.start_pod(
        PodPlan(
            kind="notebook",
            id=f"bench-{number}",
            generation=1,
            image=ensure_tiny_image(),
            command=("sleep", "3600"),
        )
    )


def _sampling(pods: list[Pod], folder: Path) -> Callable[[], None]:
    known = KnownPods(lambda: pods)
    known.start()
    while len(known.running) < len(pods):
        time.sleep(0.01)
    sampler = Sampler(
        Node({"home": folder}), known, lambda: Attribution({}, {}), lambda snapshot: None, every_s=_EVERY_S
    )
    store = MetricStore(folder / "metrics.db", cap_bytes=1 << 30)
    moments = iter(range(0, 1 << 30, _EVERY_S))  # as if time passed, so that minutes are written
    sampler.sample()  # the first one finds the files

    def sample() -> None:
        store.add(next(moments), values(sampler.sample()))

    return sample


def _calling(host: str, pods: list[Pod]) -> Callable[[], None]:
    engine = docker.APIClient(host, version="auto")

    def call() -> None:
        for pod in pods:
            engine.stats(pod.container, stream=False)

    return call


def _measure(run: Callable[[], None], engine: list[psutil.Process], rounds: int) -> tuple[float, float]:
    """CPU seconds of our process and of the engine's, in one round."""
    own, others = [], []
    for _ in range(rounds):
        began, engine_began = time.process_time(), _cpu(engine)
        run()
        own.append(time.process_time() - began)
        others.append(_cpu(engine) - engine_began)
    return statistics.fmean(own), statistics.fmean(others)


def _engine_processes(host: str) -> list[psutil.Process]:
    """The engine behind a socket of this machine, and what it started for itself."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(host.removeprefix("unix://"))
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    engine = psutil.Process(struct.unpack("3i", credentials)[0])
    return [engine, *(child for child in engine.children() if child.name() == "containerd")]


def _cpu(processes: list[psutil.Process]) -> float:
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))


if __name__ == "__main__":
    main()
