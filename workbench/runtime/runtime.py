"""Pods, run by Docker.

Every act may be repeated: what it should bring about is looked up first, and found or made.
An interrupted start leaves a container that was made and never started; the next start
replaces it. No list of pods is kept here: the engine is asked, by label.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.errors import APIError, ImageNotFound, NotFound

from workbench.runtime import saved_logs
from workbench.runtime.containers import (
    HOME,
    ID,
    KIND,
    POD,
    create_request,
    plan_digest,
    pod_from_inspect,
    pod_name,
)
from workbench.runtime.device_probe import DeviceProbe
from workbench.runtime.engine import Engine, EngineFacts
from workbench.runtime.events import OnEvent, Watch
from workbench.runtime.logs import LogStream
from workbench.runtime.networks import Network, Networks
from workbench.runtime.pods import Pod, PodPlan, PodState
from workbench.runtime.refusals import (
    ImageMissing,
    NameTaken,
    OtherGeneration,
    StartRefused,
    why_not_started,
)
from workbench.runtime.shells import Shell, ShellPlan, Shells

log = logging.getLogger(__name__)

_CONFLICT = 409


class Runtime:
    """What one home runs on one engine.

    Args:
        docker_host: The engine's address.
        home_id: Whose pods: those of another home are never seen.
    """

    def __init__(self, docker_host: str, home_id: str) -> None:
        self._engine = Engine(docker_host)
        self._home_id = home_id
        self._networks = Networks(self._engine, home_id)
        self._shells = Shells(self._engine)
        self._devices = DeviceProbe(docker_host)

    def engine(self) -> EngineFacts:
        """Ask what the engine is and can do."""
        return self._engine.facts()

    def find_pod(self, kind: str, id: str, pod: str = "main") -> Pod | None:
        """Look at one pod; None where there is no container of it."""
        with self._engine.open() as docker:
            named = self._look(docker, pod_name(self._home_id, kind, id, pod))
            return named or self._find_renamed(docker, kind, id, pod)

    def list_pods(self, kind: str | None = None) -> list[Pod]:
        """Look at all pods of this home, whatever their state."""
        labels = [f"{HOME}={self._home_id}"] + ([f"{KIND}={kind}"] if kind else [])
        with self._engine.open() as docker:
            listed = docker.containers(all=True, filters={"label": labels})
            pods = [self._look(docker, each["Id"]) for each in listed]
        return [pod for pod in pods if pod]  # one may go between list and look

    def shares_engine(self) -> bool:
        """Whether other homes have pods on this engine, or networks, which outlive their pods."""
        labelled = {"label": HOME}
        with self._engine.open() as docker:
            listed = [*docker.containers(all=True, filters=labelled), *docker.networks(filters=labelled)]
        return any(each["Labels"][HOME] != self._home_id for each in listed)

    def start_pod(self, plan: PodPlan) -> Pod:
        """Make sure that this start of the pod has happened.

        Returns:
            The pod: running, or ended where it was started before and is over already.

        Raises:
            OtherGeneration: An earlier start's container is still there.
            ImageMissing: The engine does not have the image.
            NameTaken: A stranger's container has the name.
            StartRefused: The engine will not start it, and said why.
            EngineAway: Nothing is known; try again.
        """
        name = pod_name(self._home_id, plan.kind, plan.id, plan.pod)
        found = self.find_pod(plan.kind, plan.id, plan.pod)
        if found is None:
            container = self._create(name, plan)
        elif found.state is PodState.CREATED and found.plan == plan_digest(plan):
            # Its start may still be under way in the engine, asked for by a daemon that was killed:
            # removed now, it would stay an endpoint of its network for as long as the engine lives.
            container = found.container
        elif found.state is PodState.CREATED:
            self.remove_pod(found)
            container = self._create(name, plan)
        elif found.generation != plan.generation:
            raise OtherGeneration(name, found=found.generation, wanted=plan.generation)
        else:
            return found

        self._start(container)
        log.info("pod started kind=%s id=%s pod=%s image=%s", plan.kind, plan.id, plan.pod, plan.image)
        pod = self.find_pod(plan.kind, plan.id, plan.pod)
        if pod is None:
            raise StartRefused(f"{name} was removed by somebody else as soon as it was started.")
        return pod

    def stop_pod(self, pod: Pod, *, grace_s: int) -> None:
        """Ask the pod to stop, and kill it when the grace is over. Returns when it has ended."""
        with self._engine.open() as docker:
            try:
                docker.stop(pod.container, timeout=grace_s)
            except NotFound:
                return
        log.info("pod stopped kind=%s id=%s pod=%s", pod.kind, pod.id, pod.pod)

    def remove_pod(self, pod: Pod) -> None:
        """Remove the pod's container, running or not; one that is gone is as good as removed."""
        self._remove(pod.container)
        self._shells.forget_use(pod)
        log.info("pod removed kind=%s id=%s pod=%s", pod.kind, pod.id, pod.pod)

    def logs(self, pod: Pod, *, tail: int | None = None, follow: bool = False) -> LogStream:
        """Read what the pod wrote; see `LogStream`."""
        return LogStream(self._engine, pod, tail=tail, follow=follow)

    def save_log(self, pod: Pod, path: Path) -> None:
        """Write all that the engine kept of the pod's output to a file, for `read_saved`.

        Raises:
            PodGone: The container is no longer there.
        """
        saved_logs.write(path, self.logs(pod))

    def refused_devices(self, pod: Pod, devices: Sequence[str]) -> frozenset[str]:
        """Those of its device files that a running pod may not open; see `DeviceProbe.refused`."""
        return self._devices.refused(pod, devices)

    async def look_for_pod(self, kind: str, id: str) -> Pod | None:
        """As `find_pod`, while the event loop goes on."""
        return await self._shells.ask(lambda: self.find_pod(kind, id))

    async def begin_shell(self, pod: Pod, plan: ShellPlan) -> Shell:
        """Begin a program in a pod, with somebody at its terminal; see `Shells.begin`."""
        return await self._shells.begin(pod, plan)

    def shell_used(self, kind: str, id: str) -> datetime | None:
        """When something was last typed or written in a shell there; see `Shells.last_used`."""
        return self._shells.last_used(kind, id)

    def hang_up_strays(self) -> None:
        """End the shells that an earlier process of this home left behind."""
        running = [pod.container for pod in self.list_pods() if pod.state is PodState.RUNNING]
        asyncio.run(self._shells.hang_up_strays(running))

    def watch(self, on_event: OnEvent, on_connected: Callable[[], None]) -> Watch:
        """Listen to what happens to the pods, until the watch is stopped; see `Watch`."""
        return Watch(self._engine, self._home_id, on_event, on_connected)

    def ensure_network(self, name: str) -> Network:
        """Make sure that there is such a network; a plan joins it by the same name."""
        return self._networks.ensure(name)

    def list_networks(self) -> list[Network]:
        """Look at all networks of this home."""
        return self._networks.list()

    def remove_network(self, name: str) -> None:
        """Remove a network of this home; see `Networks.remove`."""
        self._networks.remove(name)

    def _look(self, docker: APIClient, container: str) -> Pod | None:
        try:
            answer: Mapping[str, Any] = docker.inspect_container(container)
        except NotFound:
            return None
        ours = (answer["Config"]["Labels"] or {}).get(HOME) == self._home_id
        return pod_from_inspect(answer) if ours else None

    def _find_renamed(self, docker: APIClient, kind: str, id: str, pod: str) -> Pod | None:
        """A container of this pod under another name: what counts are its labels."""
        wanted = {HOME: self._home_id, KIND: kind, ID: id, POD: pod}
        labels = [f"{name}={value}" for name, value in wanted.items()]
        listed = docker.containers(all=True, filters={"label": labels})
        return next((found for each in listed if (found := self._look(docker, each["Id"]))), None)

    def _create(self, name: str, plan: PodPlan) -> str:
        devices = self._engine.facts().cdi_devices if plan.gpus else ()
        request = create_request(plan, self._home_id, devices)
        with self._engine.open() as docker:
            try:
                return str(docker.create_container_from_config(request, name)["Id"])
            except ImageNotFound as error:
                raise ImageMissing(plan.image) from error
            except APIError as error:
                if error.status_code == _CONFLICT:
                    raise NameTaken(name) from error
                raise why_not_started(str(error.explanation)) from error

    def _start(self, container: str) -> None:
        with self._engine.open() as docker:
            try:
                docker.start(container)
            except APIError as error:
                self._remove(container)
                raise why_not_started(str(error.explanation)) from error

    def _remove(self, container: str) -> None:
        with self._engine.open() as docker, suppress(NotFound):
            try:
                docker.remove_container(container, force=True, v=True)
            except APIError as error:
                if error.status_code != _CONFLICT:
                    raise
                # Its removal is under way already; until that is over, its name is taken.
                docker.wait(container, timeout=docker.timeout, condition="removed")
