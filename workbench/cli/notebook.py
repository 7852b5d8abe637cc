"""`workbench notebook`: JupyterLab sessions in containers of their own."""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
import webbrowser
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import click

from workbench.cli.lookups import workspace_id
from workbench.cli.output import as_json, print_facts, print_json, print_table, progress, say, visible_log
from workbench.cli.session import Session, pass_session
from workbench.cli.values import NAME, DurationType, MountType, VariableType
from workbench.client import Client, notebooks
from workbench.client.notebooks import Mount, NotebookView, Wishes
from workbench.errors import InvalidInput, WorkbenchError
from workbench.wire.operations import operation


class DidNotGetThere(WorkbenchError):
    """A notebook that was waited for ended in another state."""

    code = "NotebookFailed"


class NotThere(InvalidInput):
    """What is to be dropped of a notebook is not there."""

    code = "NotThere"

    def __init__(self, what: str, name: str, there: Iterable[str]) -> None:
        known = ", ".join(there)
        super().__init__(
            f"The notebook has no {what} {name!r}.", hint=f"It has {known}." if known else "It has none."
        )


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    given = ctx.find_root().params  # while a shell completes, no command has run to read them
    session = Session(home=given.get("home"), endpoint=given.get("endpoint") or "")
    try:
        return [each.name for each in notebooks.list_all(session.client) if each.name.startswith(incomplete)]
    except WorkbenchError:
        return []  # a shell that completes must not print errors


_SET_AT_START = (
    "image", "cpu", "memory", "shared_memory", "gpu", "gpu_type", "environment", "mounts"
)  # fmt: skip
"""What of a notebook is given to its container, and so holds from its next start."""

_which = click.argument("name_or_id", type=NAME, metavar="NOTEBOOK", shell_complete=_names)
_wait = click.option("--wait", "wait", is_flag=True, help="Show how it goes on, and end when it is done.")


class _StatesType(click.ParamType[str]):
    """States of a notebook with commas between them, capitals or not."""

    name = "status"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        known = {state.lower(): state for state in notebooks.STATES}
        given = [each.strip().lower() for each in value.split(",")]
        for each in given:
            if each not in known:
                self.fail(f"{each!r} is no state of a notebook; {', '.join(known.values())} are.", param, ctx)
        return ",".join(known[each] for each in given)


def _wishes(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what a notebook is to be; the command gets them as one `wishes`."""
    options = [
        click.option("--image", type=NAME, metavar="IMAGE", help="Its image; the built-in one by default."),
        click.option("--cpu", type=NAME, metavar="N", help="CPUs, such as 2 or 0.5."),
        click.option("--memory", type=NAME, metavar="SIZE", help="Memory: 8 means 8 GiB; 512Mi."),
        click.option("--shm", type=NAME, metavar="SIZE", help="Shared memory; by default half as much."),
        click.option("--gpu", type=NAME, metavar="N", help="GPUs."),
        click.option(
            "--gpu-type", type=NAME, metavar="NAME", help="A GPU's model, such as A100, or a MIG instance."
        ),
        click.option("--priority", type=click.IntRange(1, 9), help="1 to 9; 9 is served first."),
        click.option(
            "--preemptible/--not-preemptible",
            default=None,
            help="May be stopped for work of a higher priority, and starts again by itself.",
        ),
        click.option("--env", type=VariableType(), multiple=True, help="A variable; repeatable."),
        click.option(
            "--mount",
            type=MountType(),
            metavar=MountType.name,
            multiple=True,
            help="Files to mount; repeatable.",
        ),
        click.option(
            "--idle-minutes",
            type=click.IntRange(0, notebooks.LONGEST_IDLE_MINUTES),
            help="Stop after so long idle; 0: never.",
        ),
        click.option("--shutdown-after", type=DurationType(), help="Stop so long from now; 0: never."),
    ]

    @functools.wraps(command)
    def with_wishes(
        *args: Any,
        name: str | None,
        image: str | None,
        cpu: str | None,
        memory: str | None,
        shm: str | None,
        gpu: str | None,
        gpu_type: str | None,
        priority: int | None,
        preemptible: bool | None,
        env: tuple[tuple[str, str], ...],
        mount: tuple[Mount, ...],
        idle_minutes: int | None,
        shutdown_after: int | None,
        **others: Any,
    ) -> Any:
        wishes = Wishes(
            name=name,
            image=image,
            cpu=cpu,
            memory=memory,
            shared_memory=shm,
            gpu=gpu,
            gpu_type=gpu_type,
            priority=priority,
            preemptible=preemptible,
            environment=dict(env) if env else None,
            mounts=mount or None,
            idle_minutes=idle_minutes,
            shutdown_after_ms=shutdown_after,
        )
        return command(*args, wishes=wishes, **others)

    return functools.reduce(lambda done, option: option(done), reversed(options), with_wishes)


@click.group()
def notebook() -> None:
    """JupyterLab sessions, each in a container of its own.

    NOTEBOOK is a name or an id. Files under the home directory, and packages installed with
    pip or conda, survive stop and start.
    """


@notebook.command()
@click.option("--name", type=NAME, help="Its name, unique in the workspace; one is made up if not given.")
@_wishes
@click.option(
    "--gpu-memory",
    type=NAME,
    metavar="SIZE",
    help="A share of one GPU, which others use too: 8 means 8 GiB.",
)
@click.option(
    "--pool",
    type=NAME,
    metavar="NAME",
    help="The pool that it must run in; any of its workspace's by default.",
)
@click.option(
    "--workspace", type=NAME, metavar="WORKSPACE", help="Its workspace; the default one if not given."
)
@_wait
@as_json
@pass_session
def create(
    session: Session,
    *,
    wishes: Wishes,
    gpu_memory: str | None,
    pool: str | None,
    workspace: str | None,
    wait: bool,
    json_wanted: bool,
) -> None:
    """Create and start a notebook; print its id, and its URL when waited for."""
    wishes = dataclasses.replace(wishes, gpu_memory=gpu_memory, pool=pool)
    where = workspace_id(session.client, workspace) if workspace else ""
    notebook_id = notebooks.create(session.client, wishes, workspace_id=where)
    if not json_wanted:
        click.echo(notebook_id)
    url = ""
    try:
        if wait:
            see_through(session.client, notebook_id, "Running", title=wishes.name or notebook_id)
            url = notebooks.ticket(session.client, notebook_id)
    finally:  # whatever becomes of it, it is there, and only its id leads to it
        if json_wanted:
            print_json({"id": notebook_id, "url": url})
    if url and not json_wanted:
        click.echo(url)


@notebook.command("list")
@click.option("--workspace", type=NAME, metavar="WORKSPACE", help="Only of this workspace.")
@click.option("--status", type=_StatesType(), help="Only in this state, such as Running, or in one of these.")
@as_json
@pass_session
def list_(session: Session, workspace: str | None, status: str | None, json_wanted: bool) -> None:
    """List notebooks."""
    filters = {"Status": status} if status else {}
    where = workspace_id(session.client, workspace) if workspace else ""
    found = notebooks.list_all(session.client, workspace_id=where, **filters)
    if json_wanted:
        print_json([dataclasses.asdict(each) for each in found])
    elif found:
        _print_list(found)
    elif workspace or status:
        say("No notebook matches; `workbench notebook list` shows all.")
    else:
        say("There is no notebook yet; create one with `workbench notebook create --name NAME`.")


@notebook.command()
@_which
@as_json
@pass_session
def show(session: Session, name_or_id: str, json_wanted: bool) -> None:
    """Show all of one notebook."""
    found = notebooks.get(session.client, notebooks.find(session.client, name_or_id))
    found = notebooks.with_idle_time(session.client, found)
    if json_wanted:
        print_json(dataclasses.asdict(found))
    else:
        print_facts(_facts(found))


@notebook.command("open")
@_which
@click.option("--print", "only_print", is_flag=True, help="Only print the URL.")
@pass_session
def open_(session: Session, name_or_id: str, only_print: bool) -> None:
    """Open a notebook in the browser; print its URL, which works once."""
    url = notebooks.ticket(session.client, notebooks.find(session.client, name_or_id))
    click.echo(url)
    if not only_print and _has_browser():
        webbrowser.open(url)


@notebook.command()
@_which
@_wait
@pass_session
def start(session: Session, name_or_id: str, wait: bool) -> None:
    """Start a stopped or failed notebook."""
    notebook_id = notebooks.find(session.client, name_or_id)
    notebooks.start(session.client, notebook_id)
    if wait:
        see_through(session.client, notebook_id, "Running", title=name_or_id)


@notebook.command()
@_which
@_wait
@pass_session
def stop(session: Session, name_or_id: str, wait: bool) -> None:
    """Stop a notebook; its files and packages stay."""
    notebook_id = notebooks.find(session.client, name_or_id)
    notebooks.stop(session.client, notebook_id)
    if wait:
        see_through(session.client, notebook_id, "Stopped", title=name_or_id)


@notebook.command()
@_which
@pass_session
def snooze(session: Session, name_or_id: str) -> None:
    """Keep an idle notebook for as long again as its idle limit says."""
    client = session.client
    notebook_id = notebooks.find(client, name_or_id)
    minutes = notebooks.snooze(client, notebook_id)
    shutdown_at = notebooks.get(client, notebook_id).shutdown_at
    kept = f"is kept for {minutes} minutes more" if minutes else "has no idle limit that would stop it"
    say(f"{name_or_id} {kept}{f'; it stops at {shutdown_at} all the same' if shutdown_at else ''}.")


@notebook.command()
@_which
@pass_session
def revoke(session: Session, name_or_id: str) -> None:
    """Let nobody in any more by a link, a browser or a token of before."""
    notebooks.revoke(session.client, notebooks.find(session.client, name_or_id))
    say(f"No link, browser or token of before opens {name_or_id}. `workbench notebook open` makes a new one.")


@notebook.command()
@_which
@_wait
@pass_session
def delete(session: Session, name_or_id: str, wait: bool) -> None:
    """Delete a notebook; the files of its owner's home stay."""
    notebook_id = notebooks.find(session.client, name_or_id)
    notebooks.delete(session.client, notebook_id)
    if wait:
        see_through(session.client, notebook_id, notebooks.GONE, title=name_or_id)


@notebook.command()
@_which
@click.option("--name", type=NAME, help="A new name.")
@_wishes
@click.option("--unset-env", type=NAME, metavar="NAME", multiple=True, help="A variable to drop; repeatable.")
@click.option("--unmount", type=NAME, metavar="PATH", multiple=True, help="A mount to drop; repeatable.")
@pass_session
def update(
    session: Session, name_or_id: str, wishes: Wishes, unset_env: tuple[str, ...], unmount: tuple[str, ...]
) -> None:
    """Change a notebook; size, image, variables and mounts hold from its next start.

    Variables and mounts that are not named stay as they are.
    """
    if wishes == Wishes() and not unset_env and not unmount:
        raise click.UsageError("Say what to change; `workbench notebook update --help` lists it.")
    client = session.client
    before = notebooks.get(client, notebooks.find(client, name_or_id))
    if wishes.environment or unset_env:
        environment = changed_environment(before.environment, wishes.environment or {}, unset_env)
        wishes = dataclasses.replace(wishes, environment=environment)
    if wishes.mounts or unmount:
        mounts = changed_mounts(before.mounts, wishes.mounts or (), unmount)
        wishes = dataclasses.replace(wishes, mounts=mounts)
    notebooks.update(client, before, wishes)
    if before.status in notebooks.UNDER_WAY and any(
        getattr(wishes, each) is not None for each in _SET_AT_START
    ):
        say(
            f"{name_or_id} goes on as it was started; what else was changed holds from its next start:"
            f" `workbench notebook stop {name_or_id} --wait`, then `start`."
        )


@notebook.command()
@_which
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
@pass_session
def logs(session: Session, name_or_id: str, follow: bool, tail: int | None) -> None:
    """Print a notebook's log.

    A pipe gets it as it was written. A terminal gets its colours, and nothing that would set or ask the
    terminal something.
    """
    at_terminal = sys.stdout.isatty()
    notebook_id = notebooks.find(session.client, name_or_id)
    for line in notebooks.logs(session.client, notebook_id, follow=follow, tail=tail):
        click.echo(visible_log(line["Text"]) if at_terminal else line["Text"], color=True)


@notebook.command()
@_which
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
@pass_session
def shell(session: Session, ctx: click.Context, name_or_id: str, command: tuple[str, ...]) -> None:
    """Open a shell in a notebook, or run COMMAND there.

    Options of COMMAND stand behind `--`: workbench notebook shell train -- ls -l. Its exit code becomes this
    one's. At a terminal it gets one too; a pipe or a file carries its bytes as they are. Enter, then `~.`
    leaves a shell that does not answer.
    """
    from workbench.client import shell as shells  # noqa: PLC0415 (no other command needs it)

    notebook_id = notebooks.find(session.client, name_or_id)
    open_shell = operation("workbench", "OpenNotebookShell")
    ctx.exit(
        shells.run(
            session.client, open_shell, instance_id=notebook_id, Command=list(command) if command else None
        )
    )


def see_through(client: Client, notebook_id: str, until: str, *, title: str) -> None:
    """Show a notebook's way to a state.

    Raises:
        DidNotGetThere: It failed or was deleted meanwhile; with the reason.
    """
    change = None
    with progress(title) as show_step:
        for change in notebooks.wait(client, notebook_id, until):
            show_step(f"{change.status} ({change.reason})" if change.reason else change.status)
    if change and change.status != until:
        hint = f"`workbench notebook logs {notebook_id}` shows its log."
        raise DidNotGetThere(
            f"{title} is {change.status}, not {until}. {change.reason}".rstrip(),
            hint=hint if change.status == "Failed" and _has_log(client, notebook_id) else "",
        )


def _has_log(client: Client, notebook_id: str) -> bool:
    """Whether it wrote something; one without an image or a place never began."""
    try:
        return any(notebooks.logs(client, notebook_id, tail=1))
    except WorkbenchError:
        return False


def changed_environment(
    before: Mapping[str, str], given: Mapping[str, str], dropped: Iterable[str]
) -> dict[str, str]:
    """The variables of a notebook once these are set and those are dropped.

    Raises:
        NotThere: One that is to be dropped is not set.
    """
    kept = dict(before)
    for name in dropped:
        if kept.pop(name, None) is None:
            raise NotThere("variable", name, before)
    return {**kept, **given}


def changed_mounts(before: Iterable[Mount], given: Iterable[Mount], dropped: Iterable[str]) -> list[Mount]:
    """The mounts of a notebook once these are added, each in the place of one at its path, and those dropped.

    Raises:
        NotThere: Nothing is mounted where something is to be dropped.
    """
    kept = {PurePosixPath(each.path): each for each in before}
    for path in dropped:
        if kept.pop(PurePosixPath(path), None) is None:
            raise NotThere("mount at", path, [each.path for each in before])
    return list({**kept, **{PurePosixPath(each.path): each for each in given}}.values())


def _has_browser() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _print_list(found: Sequence[NotebookView]) -> None:
    """Whose they are, and in which workspace, is said where that is not the same of all."""
    owners = len({each.owner for each in found}) > 1
    workspaces = len({each.workspace_id for each in found}) > 1
    where = (*("OWNER",) * owners, *("WORKSPACE",) * workspaces)
    print_table(
        ("NAME", "ID", *where, "STATUS", "CPU", "MEMORY", "GPU", "IDLE", "REASON"),
        [_row(each, owners=owners, workspaces=workspaces) for each in found],
    )


def _row(view: NotebookView, *, owners: bool, workspaces: bool) -> tuple[str, ...]:
    return (
        view.name, view.id, *(view.owner,) * owners, *(view.workspace,) * workspaces, view.status, view.cpu,
        _gib(view.memory), _gpu(view), _idle(view), view.reason,
    )  # fmt: skip


def _idle(view: NotebookView) -> str:
    return f"{view.idle_minutes} min" if view.status == "Running" and view.idle_minutes is not None else ""


def _gib(size: str) -> str:
    return f"{size} GiB" if size else ""


def _gpu(view: NotebookView) -> str:
    """How many cards; of a share of one, its memory, as it was asked for."""
    if not view.gpu_memory:
        return view.gpu
    return view.gpu_memory if view.gpu_memory[-1:].isalpha() else _gib(view.gpu_memory)


def _facts(view: NotebookView) -> list[tuple[str, str]]:
    limit = f"stops after {view.idle_limit_minutes} min" if view.idle_limit_minutes else ""
    return [
        ("name", view.name),
        ("id", view.id),
        ("status", f"{view.status} ({view.reason})" if view.reason else view.status),
        ("url", view.url),
        ("workspace", f"{view.workspace} ({view.workspace_id})"),
        ("owner", view.owner),
        ("image", view.image),
        ("cpu", view.cpu),
        ("memory", _gib(view.memory)),
        ("shared memory", _gib(view.shared_memory)),
        ("gpu", f"{_gpu(view)} of one" if view.gpu_memory else view.gpu),
        ("pool", view.pool),
        ("priority", f"{view.priority}{', preemptible' * view.preemptible}"),
        ("idle", ", ".join(filter(None, (_idle(view), limit)))),
        ("stops at", view.shutdown_at),
        ("created", view.created_at),
        *(("mount", f"{each.uri} at {each.path}{' (read only)' * each.read_only}") for each in view.mounts),
        *(("variable", f"{name}={value}") for name, value in view.environment.items()),
    ]
