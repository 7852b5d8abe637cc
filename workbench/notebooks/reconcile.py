"""Take a notebook one step closer to what its owner asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta

from workbench import scheduler, workspaces
from workbench.errors import Unavailable, WorkbenchError
from workbench.gateway import GatewayFilesUnwritable
from workbench.node import devices
from workbench.notebooks import access, jupyter, logs, place, records, rules, session
from workbench.notebooks.records import Notebook, Status
from workbench.notebooks.saving import save, tell
from workbench.parts import Parts
from workbench.runtime.images import Failed, Present, Working
from workbench.runtime.pods import Bind, Pod, PodPlan
from workbench.storage import HOME, MountContext, MountRequest, identity_files
from workbench.telemetry import Change, Event, Level, events
from workbench.wire import sizes
from workbench.workqueue import AT_ONCE, NOT_UNTIL_WOKEN, Again

log = logging.getLogger(__name__)

_LOOK_AT_ACTIVITY_S = 20.0
_LINES_READ = 40


def reconcile(parts: Parts, notebook_id: str) -> Again:
    """Take one notebook one step closer to what its owner asked for.

    Look, decide, act. Each step may safely be carried out twice, and the work queue never runs
    two of them for one notebook at a time; so a crash costs at most one repeated step.

    Returns:
        When to look again if nothing wakes this notebook before.

    Raises:
        EngineAway: Docker does not answer. Nothing was concluded; the queue backs off.
        Exception: Something unexpected; one that was to start says so. The queue backs off.
    """
    try:
        return _step(parts, notebook_id)
    except records.ChangedMeanwhile:
        return AT_ONCE  # its owner asked for something else: decide anew
    except Unavailable:
        raise
    except Exception as error:
        _tell_what_holds_it_up(parts, notebook_id, error)
        raise


def _tell_what_holds_it_up(parts: Parts, notebook_id: str, error: Exception) -> None:
    if isinstance(error, WorkbenchError):
        why = str(error)
    else:
        why = f"Something unexpected happened ({type(error).__name__}); the daemon's log says more."
    with parts.store.reading() as db:
        notebook = records.find(db, notebook_id)
    if notebook:
        limit = timedelta(seconds=parts.settings.start_timeout_s)
        with suppress(records.ChangedMeanwhile):  # the next look tells it
            save(parts, rules.held_up(notebook, why, limit, parts.now()))


def _step(parts: Parts, notebook_id: str) -> Again:
    pod = parts.runtime.find_pod(session.KIND, notebook_id)
    with parts.store.reading() as db:
        notebook = records.find(db, notebook_id)
    if notebook is None:
        return _remove_leftover(parts, notebook_id, pod)
    match rules.next_step(notebook, pod):
        case rules.Launch():
            return _launch(parts, notebook)
        case rules.Probe(pod):
            return _probe(parts, notebook, pod)
        case rules.Tend(pod):
            return _tend(parts, notebook, pod)
        case rules.Judge(pod):
            judged = rules.judge(notebook, pod, _last_lines(parts, pod), parts.now())
            return _write(parts, judged)
        case rules.Recover():
            return _write(parts, rules.recover(notebook, parts.now()))
        case rules.Stop(pod):
            # First nobody is led there any more: once it has ended, its address may be another's.
            with suppress(GatewayFilesUnwritable):  # a full disk is no reason to let it run on
                access.lead(parts, notebook)
            parts.runtime.stop_pod(pod, grace_s=parts.settings.stop_grace_s)
            return AT_ONCE
        case rules.Remove(pod):
            parts.runtime.save_log(pod, logs.saved(parts.settings, notebook.id))
            parts.runtime.remove_pod(pod)
            return AT_ONCE
        case rules.Settle():
            return _settle(parts, notebook)
        case rules.Forget():
            return _forget(parts, notebook)


def _launch(parts: Parts, notebook: Notebook) -> Again:
    placed = _ask_for_place(parts, notebook)
    if isinstance(placed, scheduler.Waiting):
        if placed.position:
            code = rules.PREEMPTED if placed.preempted else "WaitsForPlace"
            save(parts, rules.become(notebook, Status.QUEUING, parts.now(), code, placed.words))
        else:
            parts.queue.wake(*scheduler.PASS)  # nobody has looked at it yet
        return NOT_UNTIL_WOKEN

    match parts.images.ensure(notebook.image):
        case Working(text):
            _write(parts, rules.become(notebook, Status.ENV_PREPARING, parts.now(), "PreparingImage", text))
            return NOT_UNTIL_WOKEN
        case Failed(reason, hint):
            why = f"{reason} {hint}".strip()
            return _write(parts, rules.failed(notebook, parts.now(), "ImageUnavailable", why))
        case Present(image_id):
            pass

    # On record before the container has it: however often this start is tried, it has one token.
    notebook = access.with_token_of_this_start(parts.vault, notebook)
    notebook = save(parts, rules.starting(notebook, parts.now()))
    try:
        parts.runtime.start_pod(_plan(parts, notebook, image_id, placed.grants[0]))
    except WorkbenchError as error:
        if error.status >= 500:
            raise
        if _fell_ill(parts, placed.grants[0]):
            with parts.store.transaction() as db:
                scheduler.requeue(db, (session.KIND, notebook.id), parts.now())
            return AT_ONCE
        # A fact about what was asked for (a directory that is gone, a link in its place): trying
        # again changes nothing before its owner does.
        return _write(parts, rules.failed(notebook, parts.now(), error.code, str(error)))
    return AT_ONCE


def _ask_for_place(parts: Parts, notebook: Notebook) -> scheduler.Granted | scheduler.Waiting:
    with parts.store.transaction() as db:
        owner = workspaces.user_name(db, notebook.user_id)
        placed = scheduler.ask(db, place.request(notebook, owner, parts.now()))
        if isinstance(placed, scheduler.Granted) and (placed.lost or placed.leaves_by):
            scheduler.requeue(db, (session.KIND, notebook.id), parts.now())
            return scheduler.Waiting()
    return placed


def _fell_ill(parts: Parts, grant: scheduler.Grant) -> bool:
    """Whether a card was lost since it was given: the engine refuses that start, not the next one."""
    own = place.own_cards(grant, parts.node.inventory(afresh=True).graphics.gpus)
    states = parts.node.gpu_states()
    sound = [gpu for gpu in own if not gpu.problem and gpu.uuid in states and not states[gpu.uuid].stale]
    return bool(grant.uuids) and (not own or len(sound) < len(own))


def _probe(parts: Parts, notebook: Notebook, pod: Pod) -> Again:
    now = parts.now()
    placed = _granted(parts, notebook)
    if placed and placed.leaves_by:  # nobody works in it yet, so there is nothing to wait for
        return _write(parts, rules.preempted(notebook, placed.leave, now))
    if pod.address and jupyter.answers(pod.address, notebook.id):
        if placed and (wrong := _wrong_cards(parts, pod, placed)):
            return _write(parts, rules.failed(notebook, now, "WrongGPUs", wrong))
        ready = replace(rules.become(notebook, Status.RUNNING, now), address=pod.address)
        # The way in first, so that whoever is told that it runs can go there at once.
        access.lead(parts, ready)
        return _write(parts, ready)
    limit = timedelta(seconds=parts.settings.start_timeout_s)
    if pod.started_at and now - pod.started_at > limit:
        return _write(parts, rules.unanswered(notebook, _last_lines(parts, pod), limit, now))
    return Again(rules.seconds_to_probe(pod, now))


def _wrong_cards(parts: Parts, pod: Pod, placed: scheduler.Granted) -> str:
    seen = devices.visible_cards(pod.pid)
    return place.strangers(seen, placed.grants[0], parts.node.inventory().graphics.gpus)


def _refused_devices(parts: Parts, pod: Pod, placed: scheduler.Granted) -> frozenset[str]:
    if placed.lost or not placed.grants:  # a driver in trouble is not to be touched
        return frozenset()
    gpus = parts.node.inventory().graphics.gpus
    return parts.runtime.refused_devices(pod, place.device_files(placed.grants[0], gpus))


def _tend(parts: Parts, notebook: Notebook, pod: Pod) -> Again:
    now = parts.now()
    found = rules.found_at(notebook, pod.address, now)
    if found != notebook:  # an engine that restarted beneath a live container, or somebody at its networks
        notebook = save(parts, found)
    placed = _granted(parts, notebook) or scheduler.Granted(())
    if placed.leaves_by and now >= placed.leaves_by:
        return _write(parts, rules.preempted(notebook, placed.leave, now))
    marked = place.marked(notebook, placed, _refused_devices(parts, pod, placed), now)
    if marked != notebook:
        notebook = save(parts, marked)
    activity = _activity(parts, notebook)
    in_jupyter = activity.last if activity and not activity.busy else now  # silence is no proof of rest
    in_shells = parts.runtime.shell_used(session.KIND, notebook.id)
    used = max(filter(None, (in_jupyter, in_shells)), default=None)
    notebook = save(parts, rules.used(notebook, used) if used else notebook)
    if stopping := rules.overdue(notebook, now):
        return _write(parts, stopping)
    ends = [end for end in (notebook.shutdown_at, placed.leaves_by) if end]
    return Again(min([_LOOK_AT_ACTIVITY_S, *(max(0.0, (end - now).total_seconds()) for end in ends)]))


def _activity(parts: Parts, notebook: Notebook) -> jupyter.Activity | None:
    if not notebook.address:
        return None
    return jupyter.activity(notebook.address, notebook.id, parts.vault.open(notebook.jupyter_token))


def _granted(parts: Parts, notebook: Notebook) -> scheduler.Granted | None:
    with parts.store.reading() as db:
        placed = scheduler.placement(db, (session.KIND, notebook.id))
    return placed if isinstance(placed, scheduler.Granted) else None


def _settle(parts: Parts, notebook: Notebook) -> Again:
    _let_go(parts, notebook)
    settled = rules.settled(notebook, parts.now())
    if settled != notebook:
        _write(parts, settled)
    return NOT_UNTIL_WOKEN


def _forget(parts: Parts, notebook: Notebook) -> Again:
    _let_go(parts, notebook)
    parts.storage.directories.remove_environment(notebook.id)
    logs.saved(parts.settings, notebook.id).unlink(missing_ok=True)
    with parts.store.transaction() as db:
        events.forget(db, session.KIND, notebook.id)
        workspaces.take_off_tags(db, session.KIND, notebook.id)
        records.forget(db, notebook.id)
    parts.gateway.withdraw(notebook.id)  # last, so that nobody who looks for its record leads to it anew
    parts.live.tell(
        Change(
            kind=session.KIND,
            id=notebook.id,
            workspace_id=notebook.workspace_id,
            private_to=notebook.private_to,
        )
    )
    return NOT_UNTIL_WOKEN


def _plan(parts: Parts, notebook: Notebook, image: str, grant: scheduler.Grant) -> PodPlan:
    """The container's plan, with the directories made and pinned that it is given."""
    with parts.store.reading() as db:
        user = workspaces.known_user(db, notebook.user_id)
    context = workspaces.mount_context(user, notebook.workspace_id)
    storage = parts.storage
    storage.directories.make_shared(notebook.workspace_id, gid=context.groups[0])
    asked = [
        MountRequest(uri=each.uri, target=each.target, access="RO" if each.read_only else "RW")
        for each in notebook.mounts
    ]
    binds = storage.attach(
        session.pod_key(notebook.id),
        [
            storage.own(context),
            storage.environment(notebook.id, context),
            *storage.resolve(asked, context),
        ],
        context,
    )
    return session.plan(
        notebook,
        image=image,
        user_name=user.name,
        context=context,
        grant=grant,
        gpus=parts.node.inventory().graphics.gpus,
        binds=(*binds, *_session_binds(parts, notebook, user.name, context)),
        network=parts.runtime.ensure_network(workspaces.network_name(notebook.workspace_id)).name,
        settings=parts.settings,
    )


def _session_binds(parts: Parts, notebook: Notebook, user_name: str, context: MountContext) -> Iterator[Bind]:
    identity = identity_files(
        name=user_name,
        uid=context.uid,
        gid=context.gid,
        groups={f"workspace{notebook.workspace_id}": context.groups[0]},
        home=HOME,
    )
    directories = parts.storage.directories
    for name, path in directories.write_session(notebook.id, identity).items():
        yield Bind(str(path), f"/etc/{name}", read_only=True)
    files = session.session_files(notebook, parts.vault.open(notebook.jupyter_token))
    for name, path in directories.write_session(notebook.id, files, uid=context.uid).items():
        yield Bind(str(path), f"{session.SESSION}/{name}", read_only=True)


def _let_go(parts: Parts, notebook: Notebook) -> None:
    """Give back all that is held for a container that is gone. Harmless when nothing is."""
    parts.storage.detach(session.pod_key(notebook.id))
    parts.storage.directories.remove_session(notebook.id)
    with parts.store.transaction() as db:
        freed = scheduler.give_back(db, (session.KIND, notebook.id), parts.now())
        workspaces.end_work(db, workspaces.Kind.NOTEBOOK, notebook.id)
    if freed:
        parts.queue.wake(*scheduler.PASS)


def _remove_leftover(parts: Parts, notebook_id: str, pod: Pod | None) -> Again:
    if pod is None:
        return NOT_UNTIL_WOKEN
    log.warning("leftover removed kind=notebook id=%s container=%s", notebook_id, pod.container[:12])
    parts.runtime.remove_pod(pod)
    parts.storage.detach(session.pod_key(notebook_id))
    parts.storage.directories.remove_session(notebook_id)
    return AT_ONCE


def _last_lines(parts: Parts, pod: Pod) -> list[str]:
    with closing(parts.runtime.logs(pod, tail=_LINES_READ)) as lines:
        return [line.text for line in lines]


def _write(parts: Parts, notebook: Notebook) -> Again:
    save(parts, notebook)
    return AT_ONCE


def note_out_of_memory(parts: Parts, notebook_id: str) -> None:
    """Tell the owner that a process in the container was killed for want of memory: a kernel, mostly,
    while JupyterLab itself goes on."""
    with parts.store.transaction() as db:
        notebook = records.find(db, notebook_id)
        if notebook is None:
            return
        message = (
            f"A process in it was killed: all together used more than {sizes.show(notebook.memory_bytes)}. "
            "Give the notebook more memory, or load less at once."
        )
        out_of_memory = Event(
            kind=session.KIND,
            id=notebook_id,
            workspace_id=notebook.workspace_id,
            owner_id=notebook.user_id,
            time=parts.now(),
            level=Level.WARNING,
            reason="OutOfMemory",
            message=message,
        )
        events.add(db, out_of_memory)
    tell(parts, notebook)
