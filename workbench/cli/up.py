"""`workbench up`: from an installed Workbench to one that answers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import click

from workbench.cli import daemon_process, engine
from workbench.cli.notebook import see_through
from workbench.cli.output import progress, say
from workbench.cli.session import Session, pass_session
from workbench.cli.setting_flags import as_environment, setting_flags
from workbench.client import Client, notebooks
from workbench.client.notebooks import NotebookView, Wishes
from workbench.errors import Unavailable
from workbench.settings import Settings, expect_files, load
from workbench.wire.operations import operation

_FIRST = "first"
_GATEWAY_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.2


class GatewayAway(Unavailable):
    """Workbench runs, and no browser reaches it; the message says why."""

    code = "GatewayAway"


@click.command()
@click.option("--notebook", "with_notebook", is_flag=True, help="See that a notebook runs; print its URL.")
@setting_flags
@pass_session
def up(session: Session, with_notebook: bool, flags: Mapping[str, str]) -> None:
    """Start Workbench in the background, unless it runs already.

    What it needs is checked first, and that it can be reached last. A setting given as an option
    holds as long as this daemon runs; `config.toml` in the home keeps it.
    """
    settings = load({"home": session.home, **flags})
    client = Client(settings.socket)  # this machine's, whatever WORKBENCH_ENDPOINT says
    started = daemon_process.pid(settings) is None
    if started:
        expect_files(settings)
        _start(settings, session.environment(**as_environment(flags)))
    else:
        daemon_process.await_ready(settings, None)
        _tell_what_does_not_hold(settings, flags, client)
    gateway = _await_gateway(client, within_s=_GATEWAY_WITHIN_S)
    already = "" if started else " already"
    say(f"Workbench runs{already}: {_status(client)['Endpoint']}")
    if gateway["Message"]:
        say(f"Gateway: {gateway['Message']}")
    if not gateway["Answers"]:
        say("Browsers get in once it is there; `workbench status` says how far it is.")
    if with_notebook:
        click.echo(_notebook_url(client))
    say("Dashboard: workbench dashboard\nStop:      workbench down")


def _tell_what_does_not_hold(settings: Settings, flags: Mapping[str, str], client: Client) -> None:
    dropped = daemon_process.not_in_force(settings, flags)
    if dropped:
        options = " ".join(f"--{name.replace('_', '-')} {flags[name]}" for name in dropped)
        say(f"Not in force: {options}. Settings are read when the daemon starts. {_restart(client)}")


def _restart(client: Client) -> str:
    return (
        f"To restart it, end it with `kill {_status(client)['Pid']}` (notebooks go on) or `workbench down`"
        " (they stop), then say `workbench up` again."
    )


def _start(settings: Settings, environment: Mapping[str, str]) -> None:
    engine.check(settings.docker_host)
    with progress("Starting the daemon") as show:
        show(f"log in {daemon_process.log_file(settings)}")
        daemon_process.await_ready(settings, daemon_process.launch(settings, environment))


def _notebook_url(client: Client) -> str:
    chosen = choose(notebooks.list_all(client))
    if chosen is None:
        notebook_id = notebooks.create(client, Wishes(name=_FIRST))
    else:
        notebook_id = chosen.id
        if chosen.status in ("Stopped", "Stopping", "Failed"):
            notebooks.start(client, notebook_id)
    see_through(client, notebook_id, "Running", title=f"Notebook {chosen.name if chosen else _FIRST}")
    _await_gateway(client, within_s=_GATEWAY_WITHIN_S, image_too=True)
    return notebooks.ticket(client, notebook_id)


def _await_gateway(client: Client, *, within_s: float, image_too: bool = False) -> dict[str, Any]:
    """Wait until the gateway answers; for its image, which may take minutes, only if asked to.

    Raises:
        GatewayAway: Something is in its way, or it did not answer in time.
    """
    end = time.monotonic() + within_s
    with progress("Gateway") as show:
        while True:
            status = _status(client)
            gateway: dict[str, Any] = status["Gateway"]
            building = gateway.get("State") == "Building"
            if gateway["Answers"] or (building and not image_too):
                return gateway
            if gateway.get("State") == "Away" or time.monotonic() > end:
                raise GatewayAway(
                    f"Workbench runs, but nobody reaches it at {status['Endpoint']}. {gateway['Message']}",
                    hint=f"It is tried again every few seconds. Settings are read when the daemon starts."
                    f" {_restart(client)}",
                )
            show(gateway["Message"] if building else "it starts")
            time.sleep(_LOOK_EVERY_S)


def choose(found: Sequence[NotebookView]) -> NotebookView | None:
    """The notebook to show: one that runs, else the first one's namesake, else any; None for a new one."""
    staying = [each for each in found if each.status != "Deleting"]
    return min(staying, key=lambda each: (each.status != "Running", each.name != _FIRST), default=None)


def _status(client: Client) -> dict[str, Any]:
    return client.call(operation("workbench", "GetStatus"))
