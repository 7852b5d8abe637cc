"""What a notebook needs next.

Pure: a record and what was seen in, one step or a changed record out. No clock, no database,
no Docker, so every rule is tested by calling it; `reconcile.py` carries the steps out.

A step is decided anew on every look and never remembered. That is what lets the daemon be
killed between any two lines: after a restart, the same facts lead to the same step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from workbench.errors import Conflict
from workbench.notebooks.records import Notebook, Period, Status, Wanted
from workbench.runtime.pods import Pod, PodState
from workbench.wire import sizes

IDLE = "Idle"
"""Reason code of a stop for want of use."""

IDLE_SOON = "IdleSoon"
"""Reason code of a running notebook that is about to be stopped for want of use."""

PREEMPTED = "Preempted"
"""Reason code of a notebook that made way for more important work and waits again."""

NO_ADDRESS = "NoAddress"
"""Reason code of a running notebook that is on no network, so that nobody reaches it."""

HELD_UP = "HeldUp"
"""Reason code of a notebook whose start meets something unexpected, again and again."""

MOST_INTERRUPTIONS = 3
"""Times in a row that a container which is ended from outside is started again."""

_WARNED_BEFORE = timedelta(minutes=5)
_HEALTHY_AFTER = timedelta(minutes=10)
_PROBE_S = 0.05
_LONGEST_PROBE_S = 1.0
_SHOWN_LINES = 8
_SHOWN_CHARACTERS = 2000
_SAID_LAST = " It said last:\n"

# What Docker reports for an end that the session did not choose: SIGHUP, SIGINT, SIGKILL,
# SIGTERM, and 255 where the engine itself was gone and cannot tell.
_ENDED_FROM_OUTSIDE = {129, 130, 137, 143, 255}
_NO_SUCH_COMMAND = {126, 127}


@dataclass(frozen=True)
class Launch:
    """Nothing runs and something should: get what it needs, then start it."""


@dataclass(frozen=True)
class Probe:
    """The container runs; whether JupyterLab answers is not known yet."""

    pod: Pod


@dataclass(frozen=True)
class Tend:
    """It runs and answers: see to its route, its idle limit and its shutdown time."""

    pod: Pod


@dataclass(frozen=True)
class Judge:
    """It ended by itself: read its last lines and decide what that means."""

    pod: Pod


@dataclass(frozen=True)
class Recover:
    """Its container is gone although nobody here removed it."""


@dataclass(frozen=True)
class Stop:
    """The container should end."""

    pod: Pod


@dataclass(frozen=True)
class Remove:
    """The container has ended; keep its log and remove it."""

    pod: Pod


@dataclass(frozen=True)
class Settle:
    """No container is left: give back all that was held for it."""


@dataclass(frozen=True)
class Forget:
    """Nothing is left at all: drop the record."""


Step = Launch | Probe | Tend | Judge | Recover | Stop | Remove | Settle | Forget


def next_step(notebook: Notebook, pod: Pod | None) -> Step:
    """The one thing to do now.

    Args:
        pod: The notebook's container as the engine has it, whichever start it belongs to.
    """
    at_rest = notebook.wanted is not Wanted.RUNNING or notebook.status is Status.FAILED
    if pod is None:
        match notebook.wanted:
            case Wanted.DELETED:
                return Forget()
            case Wanted.RUNNING if not at_rest:
                return Recover() if notebook.status is Status.RUNNING else Launch()
        return Settle()
    if at_rest or pod.generation != notebook.generation:
        return Stop(pod) if pod.state is PodState.RUNNING else Remove(pod)
    match pod.state:
        case PodState.CREATED if notebook.status is Status.RUNNING:
            return Recover()  # the engine forgot that it ran: a power cut can do that
        case PodState.CREATED:
            return Launch()  # a start that was cut short; starting again is harmless
        case PodState.RUNNING:
            return Tend(pod) if notebook.status is Status.RUNNING else Probe(pod)
        case PodState.ENDED:
            return Judge(pod)


def start(notebook: Notebook, now: datetime) -> Notebook:
    """Its owner wants it to run. Nothing changes for one that already should.

    Raises:
        BeingDeleted: It is on its way out.
    """
    _refuse_if_deleted(notebook)
    if notebook.wanted is Wanted.RUNNING and notebook.status is not Status.FAILED:
        return notebook
    return replace(
        become(notebook, Status.STARTING, now),
        wanted=Wanted.RUNNING,
        generation=notebook.generation + 1,
        interruptions=0,
        shutdown_at=None,
    )


def stop(notebook: Notebook, now: datetime, code: str = "", reason: str = "") -> Notebook:
    """It should stop; its files and its environment stay. Nothing changes for one that already should.

    Raises:
        BeingDeleted: It is on its way out.
    """
    _refuse_if_deleted(notebook)
    if notebook.wanted is Wanted.STOPPED:
        return notebook
    return replace(become(notebook, Status.STOPPING, now, code, reason), wanted=Wanted.STOPPED)


def delete(notebook: Notebook, now: datetime) -> Notebook:
    """It should go, with its environment; the files of its owner's home stay."""
    if notebook.wanted is Wanted.DELETED:
        return notebook
    return replace(become(notebook, Status.DELETING, now), wanted=Wanted.DELETED)


def settled(notebook: Notebook, now: datetime) -> Notebook:
    """Nothing of it runs any more."""
    if notebook.status in (Status.STOPPED, Status.FAILED):
        return notebook
    return replace(
        become(notebook, Status.STOPPED, now, notebook.reason_code, notebook.reason), shutdown_at=None
    )


def failed(notebook: Notebook, now: datetime, code: str, reason: str) -> Notebook:
    """It cannot run as asked; starting it again is up to its owner."""
    return become(notebook, Status.FAILED, now, code, reason)


def starting(notebook: Notebook, now: datetime) -> Notebook:
    """Its container is about to be started. What held that up before is told until it is there."""
    if notebook.status is Status.STARTING and notebook.reason_code == HELD_UP:
        return notebook
    return become(notebook, Status.STARTING, now)


def held_up(notebook: Notebook, why: str, limit: timedelta, now: datetime) -> Notebook:
    """Something unexpected kept it from the next step towards running. That is tried again, and the reason
    says so; what held it up for too long has failed. On the way down nothing is given up.

    Args:
        why: In whole sentences.
    """
    if notebook.wanted is not Wanted.RUNNING or notebook.status not in _BEFORE_RUNNING:
        return notebook
    since = notebook.modified_at if notebook.reason_code == HELD_UP else now
    if now - since > limit:
        reason = f"It could not be started within {limit.total_seconds():g} s. {why}"
        return failed(notebook, now, "StartFailed", f"{reason} Start it again once that is mended.")
    reason = f"{why} Its start is tried again until {since + limit:%H:%M:%S} UTC."
    return replace(notebook, reason_code=HELD_UP, reason=reason, modified_at=since)


def judge(notebook: Notebook, pod: Pod, last_lines: Sequence[str], now: datetime) -> Notebook:
    """What it means that the container ended by itself.

    Args:
        last_lines: The end of its log, oldest first.
    """
    last_said = _last_said(last_lines)
    if pod.oom_killed and pod.exit_code == 137:
        return failed(
            notebook,
            now,
            "OutOfMemory",
            f"It used more than its {sizes.show(notebook.memory_bytes)} of memory and was killed. "
            "Start it with more memory, or load less at once.",
        )
    if pod.exit_code in _NO_SUCH_COMMAND:
        return failed(
            notebook,
            now,
            "CommandNotFound",
            f"The image {notebook.image} cannot start `jupyter lab`: install jupyterlab in it.{last_said}",
        )
    # jupyter-server ends with 0 for a signal too, and says so: «received signal 15, stopping».
    signalled = pod.exit_code == 0 and any("received signal" in line for line in last_lines)
    if signalled or pod.exit_code in _ENDED_FROM_OUTSIDE:
        return recover(notebook, now)
    if pod.exit_code == 0 and notebook.status is Status.RUNNING:
        return stop(notebook, now, "ShutDown", "It was shut down from inside JupyterLab.")
    return failed(notebook, now, "Exited", f"It ended with exit code {pod.exit_code}.{last_said}")


def unanswered(notebook: Notebook, last_lines: Sequence[str], limit: timedelta, now: datetime) -> Notebook:
    """What it means that the container runs and JupyterLab does not answer in time."""
    return failed(
        notebook,
        now,
        "StartTimeout",
        f"JupyterLab did not answer within {limit.total_seconds():g} s.{_last_said(last_lines)}",
    )


def seconds_to_probe(pod: Pod, now: datetime) -> float:
    """How long until it is asked again whether it answers: soon after its start often, as most answer
    within a second, and then ever more seldom, as where many start at once."""
    age = (now - pod.started_at).total_seconds() if pod.started_at else 0.0
    return min(max(age / 20, _PROBE_S), _LONGEST_PROBE_S)


def recover(notebook: Notebook, now: datetime) -> Notebook:
    """Something outside ended its container: run it again, unless that keeps happening."""
    healthy = notebook.running_since is not None and now - notebook.running_since >= _HEALTHY_AFTER
    interruptions = 1 if healthy else notebook.interruptions + 1
    if interruptions > MOST_INTERRUPTIONS:
        return failed(
            notebook,
            now,
            "KeptBeingKilled",
            f"Its container was ended from outside {interruptions} times in a row. Look for what kills it, "
            "then start it again.",
        )
    return replace(
        become(
            notebook,
            Status.RECOVERING,
            now,
            "Interrupted",
            "Its container was ended from outside (engine restart, kill); starting again.",
        ),
        generation=notebook.generation + 1,
        interruptions=interruptions,
    )


def preempted(notebook: Notebook, by: str, now: datetime) -> Notebook:
    """It makes way for other work, and is to run again when there is room.

    Args:
        by: The work that it makes way for, in words.
    """
    reason = f"Preempted by {by}; it starts again by itself when there is room for it."
    return replace(
        become(notebook, Status.RECOVERING, now, PREEMPTED, reason), generation=notebook.generation + 1
    )


def overdue(notebook: Notebook, now: datetime) -> Notebook | None:
    """The notebook on its way to a stop if its shutdown time has come, else None."""
    if notebook.shutdown_at is None or now < notebook.shutdown_at:
        return None
    return stop(notebook, now, "ShutdownTime", f"Its shutdown time, {notebook.shutdown_at:%H:%M} UTC, came.")


def found_at(notebook: Notebook, address: str, now: datetime) -> Notebook:
    """A running notebook where its container is by now; marked while that is nowhere, unless it is marked
    for something worse.

    Args:
        address: Its container's, as the engine has it; empty where it is on no network.
    """
    notebook = replace(notebook, address=address)
    if address:
        return become(notebook, Status.RUNNING, now) if notebook.reason_code == NO_ADDRESS else notebook
    if notebook.reason_code not in ("", IDLE_SOON):
        return notebook
    reason = (
        "Its container has no address on the network of its workspace, so nobody reaches it; what runs in it "
        "goes on. Stop it and start it again."
    )
    return become(notebook, Status.RUNNING, now, NO_ADDRESS, reason)


def used(notebook: Notebook, at: datetime) -> Notebook:
    """A running notebook that was in use at that time, if not later."""
    if notebook.last_active and notebook.last_active >= at:
        return notebook
    return replace(notebook, last_active=at)


def idling(notebook: Notebook, now: datetime) -> Notebook:
    """A running notebook as its idle limit has it: on its way to a stop, warned of that some minutes
    before, with the warning taken back, or as it was."""
    idle, limit = idle_time(notebook, now), notebook.idle_limit
    most = timedelta(minutes=limit.minutes) if limit else timedelta.max
    if idle >= most:
        return stop(notebook, now, IDLE, f"It was not in use for {_minutes(idle)}, its idle limit.")
    if notebook.reason_code not in ("", IDLE_SOON):
        return notebook
    if idle < most - min(_WARNED_BEFORE, most / 2):
        return become(notebook, Status.RUNNING, now)
    stops_at = now + most - idle
    reason = (
        f"It was not in use for a while and stops at {stops_at:%H:%M} UTC, unless it is used until then. "
        f"`workbench notebook snooze {notebook.name}` keeps it."
    )
    return become(notebook, Status.RUNNING, now, IDLE_SOON, reason)


def idle_time(notebook: Notebook, now: datetime) -> timedelta:
    """How long nothing was done in a running notebook; zero while it does not run."""
    if notebook.status is not Status.RUNNING or notebook.last_active is None:
        return timedelta(0)
    return max(now - notebook.last_active, timedelta(0))


def sessions(periods: Sequence[Period]) -> list[list[Period]]:
    """A notebook's life in pieces, each from a start to the stop or failure that it ended in, and what
    came after that while it was at rest.

    Args:
        periods: Oldest first.
    """
    found: list[list[Period]] = []
    before: Period | None = None
    for each in periods:
        begins = before is None or (before.status in _DOWN and each.status is Status.STARTING)
        if begins:
            found.append([])
        found[-1].append(each)
        before = each
    return found


def ran_ms(notebook: Notebook, now: datetime) -> int:
    """Milliseconds that it was Running, over all its starts, up to now."""
    if notebook.running_since is None:
        return notebook.ran_ms
    return notebook.ran_ms + max(0, int((now - notebook.running_since).total_seconds() * 1000))


def become(notebook: Notebook, status: Status, now: datetime, code: str = "", reason: str = "") -> Notebook:
    """The notebook in another status, with the times that go with it.

    Raises:
        ForbiddenTransition: No rule leads there from here; a mistake in our own code.
    """
    if status is notebook.status:
        if (code, reason) == (notebook.reason_code, notebook.reason):
            return notebook
        return replace(notebook, reason_code=code, reason=reason, modified_at=now)
    if status not in TRANSITIONS[notebook.status]:
        raise ForbiddenTransition(notebook.status, status)
    changed = replace(notebook, status=status, reason_code=code, reason=reason, modified_at=now)
    if status is Status.RUNNING:
        return replace(changed, running_since=now, last_active=now)
    return replace(changed, ran_ms=ran_ms(notebook, now), running_since=None, last_active=None, address="")


_DOWN = {Status.STOPPING, Status.STOPPED, Status.FAILED}
_ON_THE_WAY_UP = {Status.QUEUING, Status.ENV_PREPARING, Status.STARTING, Status.RUNNING, Status.RECOVERING}
_BEFORE_RUNNING = {Status.CREATING} | _ON_THE_WAY_UP - {Status.RUNNING}
_ON_THE_WAY_DOWN = {Status.STOPPING, Status.DELETING, Status.FAILED}
_ANY_MOMENT = _ON_THE_WAY_UP | _ON_THE_WAY_DOWN

TRANSITIONS = {
    Status.CREATING: _ANY_MOMENT,
    Status.QUEUING: _ANY_MOMENT,
    Status.ENV_PREPARING: _ANY_MOMENT,
    Status.STARTING: _ANY_MOMENT,
    Status.RECOVERING: _ANY_MOMENT,
    Status.RUNNING: {Status.RECOVERING} | _ON_THE_WAY_DOWN,
    Status.STOPPING: {Status.STOPPED, Status.STARTING, Status.DELETING},
    Status.STOPPED: {Status.STARTING, Status.DELETING},
    Status.FAILED: {Status.STARTING, Status.STOPPING, Status.DELETING},
    Status.DELETING: set(),
}
"""Where each status may lead; anything else cannot be written."""


class ForbiddenTransition(Exception):
    """A rule led from one status to another that `TRANSITIONS` does not have."""

    def __init__(self, old: Status, new: Status) -> None:
        super().__init__(f"{old} cannot become {new}")


class BeingDeleted(Conflict):
    """The notebook is being deleted; nothing else can be asked of it."""

    code = "InstanceBeingDeleted"

    def __init__(self, name: str) -> None:
        super().__init__(f"Notebook {name!r} is being deleted.", hint="Create a new one; its files are kept.")


def without_log(reason: str) -> str:
    """A reason without the lines of the notebook's log that it may end with."""
    return reason.partition(_SAID_LAST)[0]


def _refuse_if_deleted(notebook: Notebook) -> None:
    if notebook.wanted is Wanted.DELETED:
        raise BeingDeleted(notebook.name)


def _minutes(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    return f"{minutes} minute{'s' * (minutes != 1)}"


def _last_said(lines: Sequence[str]) -> str:
    shown = "\n".join([line for line in lines if line.strip()][-_SHOWN_LINES:])
    return f"{_SAID_LAST}{shown[-_SHOWN_CHARACTERS:]}" if shown else " It said nothing."
