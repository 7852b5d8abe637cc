"""The gateway: one HAProxy container, and its files.

Files come first and the running HAProxy second, so one that starts again by itself knows what
the last one knew. The daemon's records are the truth: `sync` hands in all routes once, before
anything is applied, and HAProxy is asked what it knows before it is told anything.

Nothing here waits for a container: what takes time is looked at again by the work queue.
"""

from __future__ import annotations

import logging
import os
import threading
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from workbench.errors import Unavailable, WorkbenchError
from workbench.gateway import certificate, port, render
from workbench.gateway.changes import Running, changes, last_changes, revoked, wanted
from workbench.gateway.control import CommandRefused, Control, GatewayAway, Worker
from workbench.gateway.routes import NotebookRoute
from workbench.runtime import Bind, Pod, PodPlan, PodState, Runtime
from workbench.runtime.images import Failed, Images, Present, Working
from workbench.settings import BadSetting, Settings
from workbench.workqueue import NOT_UNTIL_WOKEN, Again

log = logging.getLogger(__name__)

KIND = "gateway"
ID = "main"
IMAGE = "gateway"

_MASTER = "master.sock"
_SOON = Again(0.1)
_LATER = Again(5)
_HEALTHY_AFTER_S = 10
_STOP_GRACE_S = 3
_LOG_TAIL = 20


class GatewayFilesUnwritable(Unavailable):
    """The gateway's files cannot be written: disk full, or no permission."""

    code = "GatewayFilesUnwritable"


class GatewayState(StrEnum):
    """Whether the one port answers, and if not, whether it will by itself."""

    ANSWERS = "Answers"
    STARTING = "Starting"
    BUILDING = "Building"
    """Its image is on the way, which may take minutes."""
    AWAY = "Away"
    """Something is in the way that somebody has to mend."""


@dataclass(frozen=True)
class GatewayStatus:
    """How the one port does. `message` says in words why it does not answer, or what is amiss.

    `leaving` counts processes that a reload left behind to finish open connections, about
    20 MB each.
    """

    state: GatewayState
    message: str = ""
    leaving: int = 0

    @property
    def answers(self) -> bool:
        """Whether browsers get in."""
        return self.state is GatewayState.ANSWERS


class Gateway:
    """The one port.

    Args:
        settings: Where to listen, and where its files are.
        runtime: Runs its container.
        images: Has its image.

    Raises:
        BadSetting: The certificate cannot be used, and there is none from before.
    """

    def __init__(self, settings: Settings, runtime: Runtime, images: Images) -> None:
        self._settings = settings
        self._runtime = runtime
        self._images = images
        self._folder = settings.run / "gateway"
        self._control = Control(self._folder / _MASTER)
        self._listens_on = render.listens_on(settings, ipv6=port.has_ipv6())
        self._certificate: tuple[object, ...] = ()
        self._certificate_trouble = ""
        self._frame = render.frame(settings, self._listens_on, self._first_certificate())
        self._generation = render.generation(self._frame)
        self._refused: str | None = None
        self._routes: dict[str, NotebookRoute] | None = None
        self._status = GatewayStatus(GatewayState.STARTING, "It has not been started yet.")
        # Over routes, files and HAProxy; never held while Docker is waited for, so that a sick
        # engine delays nobody's withdrawal.
        self._lock = threading.Lock()

    def sync(self, routes: Iterable[NotebookRoute]) -> bool:
        """Hand in all routes there are; others end. Nothing is applied before the first call.

        Returns:
            Whether they are in effect; if not, `reconcile` puts them into effect when it can.
        """
        with self._lock:
            self._routes = {route.id: route for route in routes}
            return self._try_to_apply()

    def publish(self, route: NotebookRoute) -> bool:
        """Add or change one route. Changed secrets end what was connected with those of before. One that
        comes too late, after a newer revision of it, changes nothing.

        Returns:
            As for `sync`.
        """
        with self._lock:
            if self._routes is None:
                return False
            known = self._routes.get(route.id)
            if known is None or known.revision <= route.revision:
                self._routes[route.id] = route
            return self._try_to_apply()

    def withdraw(self, id: str) -> bool:
        """Take one route away, and end what is connected by it.

        Returns:
            As for `sync`.
        """
        with self._lock:
            if self._routes is None:
                return False
            self._routes.pop(id, None)
            return self._try_to_apply()

    def route(self, id: str) -> NotebookRoute | None:
        """A route as it was handed in last; None where there is none."""
        with self._lock:
            return (self._routes or {}).get(id)

    def inputs(self) -> Mapping[str, datetime]:
        """When somebody last sent something to each notebook, as far back as a day and as HAProxy's
        processes live; a request that only reads is none, as open pages read by themselves."""
        now, found = datetime.now(UTC), dict[str, datetime]()
        try:
            for worker in self._control.workers():
                for id, ago_s in self._control.inputs(worker).items():
                    at = now - timedelta(seconds=ago_s)
                    found[id] = max(at, found.get(id, at))
        except GatewayAway:
            pass  # who cannot come in sends nothing
        return found

    def stop(self) -> None:
        """Take the container away. The next `reconcile` would bring it back.

        Raises:
            EngineAway: Docker does not answer.
        """
        if pod := self._runtime.find_pod(KIND, ID):
            self._runtime.stop_pod(pod, grace_s=_STOP_GRACE_S)
            self._runtime.remove_pod(pod)
        self._status = GatewayStatus(GatewayState.AWAY, "It was stopped.")

    def status(self) -> GatewayStatus:
        """How the last look found it."""
        return self._status

    def reconcile(self) -> Again:
        """Take the gateway one step further: image, container, configuration, routes.

        Returns:
            When to look again if nothing wakes it before.

        Raises:
            EngineAway: Docker does not answer. Nothing was concluded; a running gateway goes on.
        """
        if self._routes is None:
            return _SOON
        self._renew_certificate()
        match self._images.ensure(IMAGE):
            case Present() as image:
                return self._run(self._plan(image.image_id))
            case Working() as work:
                self._note(GatewayState.BUILDING, f"Its image is on the way: {work.text}.")
                return NOT_UNTIL_WOKEN
            case Failed() as failure:
                return self._stay_away(f"Its image cannot be had: {failure.reason} {failure.hint}")

    def _first_certificate(self) -> str:
        """The certificate of the settings; where that cannot be used, the one that the gateway has."""
        seen = certificate.stamp(self._settings)
        try:
            found = certificate.combined(self._settings)
        except BadSetting as error:
            in_use = self._folder / render.CERTIFICATE
            if not in_use.exists():
                raise
            self._certificate_trouble = str(error)
            return in_use.read_text()
        self._certificate = seen
        return found

    def _renew_certificate(self) -> None:
        """Take a certificate that was exchanged. One that cannot be used leaves the old one where it is;
        half of a pair is only a moment's, and looked at again once the other half is there."""
        seen = certificate.stamp(self._settings)
        if seen == self._certificate:
            return
        try:
            renewed = certificate.combined(self._settings)
        except BadSetting as error:
            if str(error) != self._certificate_trouble:
                log.warning("certificate kept reason=%s", error)
            self._certificate_trouble = str(error)
            return
        frame = render.frame(self._settings, self._listens_on, renewed)
        with self._lock:
            self._certificate, self._certificate_trouble = seen, ""
            self._frame, self._generation = frame, render.generation(frame)
            self._refused = None
        log.info("certificate renewed generation=%s", self._generation)

    def _run(self, plan: PodPlan) -> Again:
        pod = self._runtime.find_pod(KIND, ID)
        if pod is None:
            return self._start(plan)
        if pod.state is PodState.RUNNING and pod.generation == plan.generation:
            return self._keep_up()
        if pod.state is PodState.RUNNING:
            self._runtime.stop_pod(pod, grace_s=_STOP_GRACE_S)
            self._runtime.remove_pod(pod)
            return self._start(plan)
        reason = self._last_words(pod)
        self._runtime.remove_pod(pod)
        log.warning("gateway ended exit_code=%s reason=%s", pod.exit_code, reason)
        if pod.state is PodState.ENDED and not _was_healthy(pod):
            return self._stay_away(f"It ended as soon as it was started: {reason}")
        return self._start(plan)

    def _start(self, plan: PodPlan) -> Again:
        hosts = [port.host_of(address) for address in self._listens_on]
        if problem := port.why_not(hosts, self._settings.port):
            return self._stay_away(problem)
        with self._lock:
            self._write(self._files())
        try:
            self._runtime.start_pod(plan)
        except Unavailable:
            raise
        except WorkbenchError as error:
            return self._stay_away(f"It cannot be started: {error}")
        self._note(GatewayState.STARTING, "It is starting.")
        return _SOON

    def _keep_up(self) -> Again:
        try:
            with self._lock:
                done = self._apply()
        except GatewayAway as error:
            self._note(GatewayState.STARTING, str(error))
            return _SOON
        return NOT_UNTIL_WOKEN if done else _LATER

    def _try_to_apply(self) -> bool:
        try:
            return self._apply()
        except GatewayAway as error:
            log.info("routes kept for later reason=%s", error)
            return False

    def _apply(self) -> bool:
        replaced = self._write(self._files())
        amiss = self._bring_up_to_date(replaced)
        target = wanted((self._routes or {}).values())
        workers = self._control.workers()
        refused = [error for worker in workers for error in self._tell(worker, target)]
        if not amiss and self._certificate_trouble:
            amiss = f"It goes on with the certificate from before. {self._certificate_trouble}"
        self._status = GatewayStatus(
            GatewayState.ANSWERS,
            message=amiss or next(iter(refused), ""),
            leaving=sum(worker.leaving for worker in workers),
        )
        return not refused

    def _bring_up_to_date(self, replaced: Mapping[str, str]) -> str:
        if self._control.generation(self._control.workers()[0]) == self._generation:
            return ""
        if problem := self._new_port_problem(replaced):
            return problem
        if self._refused is None and self._control.reload():
            log.info("gateway reloaded generation=%s", self._generation)
            return ""
        if self._refused is None:
            self._refused = self._why_refused()
            self._write(replaced)
            log.error(
                "gateway refused its configuration generation=%s reason=%s", self._generation, self._refused
            )
        return f"HAProxy goes on with its old configuration, as it refused the new one: {self._refused}"

    def _new_port_problem(self, replaced: Mapping[str, str]) -> str:
        """HAProxy would share a port with another HAProxy of the same user, and say nothing."""
        before = render.addresses(replaced.get(render.CONFIGURATION, ""))
        new = [address for address in self._listens_on if before and address not in before]
        return port.why_not([port.host_of(address) for address in new], self._settings.port)

    def _tell(self, worker: Worker, target: Running) -> list[str]:
        """Bring one worker in step; give back what it refused."""
        try:
            running = self._control.running(worker)
        except CommandRefused as error:
            return [] if worker.leaving else [str(error)]
        if worker.leaving:
            # Before, so that an interruption loses none; after, for those that came between.
            self._control.end_connections(worker, revoked(running, target))
            self._carry_out(worker, last_changes(running, target))
            self._control.end_connections(worker, revoked(running, target))
            return []
        return self._carry_out(worker, changes(running, target))

    def _carry_out(self, worker: Worker, commands: Iterable[str]) -> list[str]:
        refused = []
        for command in commands:
            try:
                self._control.carry_out(worker, command)
            except CommandRefused as error:
                log.warning("gateway refused pid=%d leaving=%s reason=%s", worker.pid, worker.leaving, error)
                refused.append(str(error))
        return refused

    def _files(self) -> Mapping[str, str]:
        files = render.with_routes(self._frame, (self._routes or {}).values())
        return files if self._refused is None else {render.NOTEBOOKS: files[render.NOTEBOOKS]}

    def _write(self, files: Mapping[str, str]) -> Mapping[str, str]:
        """Write what differs, each file whole; give back what was there before."""
        replaced = {}
        try:
            for name, text in files.items():
                path = self._folder / name
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                before = path.read_text() if path.exists() else None
                if before == text:
                    continue
                new = path.with_name(f"{path.name}.new")
                new.touch(mode=0o600)
                new.write_text(text)
                new.rename(path)
                replaced[name] = before if before is not None else text
        except OSError as error:
            raise GatewayFilesUnwritable(
                f"{error.filename} cannot be written: {error.strerror}.",
                hint="Look at the free disk space and the directory's owner.",
            ) from error
        return replaced

    def _plan(self, image: str) -> PodPlan:
        daemon = self._settings.gateway_socket.parent
        plan = PodPlan(
            kind=KIND,
            id=ID,
            generation=0,
            image=image,
            command=(
                *("haproxy", "-W", "-db", "-f", f"{render.RUN_INSIDE}/{render.CONFIGURATION}"),
                *("-S", f"{render.RUN_INSIDE}/{_MASTER},mode,600"),
            ),
            user=f"{os.getuid()}:{os.getgid()}",
            binds=(
                Bind(str(self._folder), render.RUN_INSIDE),
                Bind(str(daemon), render.DAEMON_INSIDE, read_only=True),
            ),
            network="host",
        )
        # Another image, user or place is another gateway; a label has room for a number only.
        return replace(plan, generation=zlib.crc32(repr(plan).encode()))

    def _stay_away(self, message: str) -> Again:
        self._note(GatewayState.AWAY, message)
        return _LATER

    def _note(self, state: GatewayState, message: str) -> None:
        if message != self._status.message:
            log.info("gateway waits reason=%s", message)
        self._status = GatewayStatus(state, message)

    def _why_refused(self) -> str:
        pod = self._runtime.find_pod(KIND, ID)
        return self._last_words(pod) if pod else ""

    def _last_words(self, pod: Pod) -> str:
        """What HAProxy complained of last."""
        if pod.error:
            return pod.error
        lines = [line.text for line in self._runtime.logs(pod, tail=_LOG_TAIL)]
        alerts = [line.partition(" : ")[2] for line in lines if line.startswith("[ALERT]")]
        return " ".join(alerts[:2] or lines[-1:])


def _was_healthy(pod: Pod) -> bool:
    if not pod.started_at or not pod.ended_at:
        return True
    return (pod.ended_at - pod.started_at).total_seconds() > _HEALTHY_AFTER_S
