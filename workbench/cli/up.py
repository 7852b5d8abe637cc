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
_GATEWAY_LOOKS = 30


class GatewayAway(Unavailable):
    """Notebooks run, and no browser reaches them; the message says why."""

    code = "GatewayAway"


@click.command()
@click.option("--notebook", "with_notebook", is_flag=True, help="See that a notebook runs; print its URL.")
@setting_flags
@pass_session
def up(session: Session, with_notebook: bool, flags: Mapping[str, str]) -> None:
    """Start Workbench in the background, unless it runs already.

    What it needs is checked first. A setting given as an option holds as long as this daemon
    runs; `config.toml` in the home keeps it.
    """
    settings = load({"home": session.home, **flags})
    started = daemon_process.pid(settings) is None
    if started:
        expect_files(settings)
        _start(settings, session.environment(**as_environment(flags)))
    else:
        daemon_process.await_ready(settings, None)
    client = Client(settings.socket)  # this machine's, whatever WORKBENCH_ENDPOINT says
    endpoint = _status(client)["Endpoint"]
    say(f"Workbench runs: {endpoint}" if started else f"Workbench runs already: {endpoint}")
    if with_notebook:
        click.echo(_notebook_url(client))
    say("Dashboard: workbench dashboard\nStop:      workbench down")


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
    _await_gateway(client)
    return notebooks.ticket(client, notebook_id)


def _await_gateway(client: Client) -> None:
    with progress("Gateway") as show:
        for _ in range(_GATEWAY_LOOKS):
            gateway = _status(client)["Gateway"]
            if gateway["Answers"]:
                return
            show(gateway["Message"])
            time.sleep(1)
    raise GatewayAway(gateway["Message"])


def choose(found: Sequence[NotebookView]) -> NotebookView | None:
    """The notebook to show: one that runs, else the first one's namesake, else any; None for a new one."""
    staying = [each for each in found if each.status != "Deleting"]
    return min(staying, key=lambda each: (each.status != "Running", each.name != _FIRST), default=None)


def _status(client: Client) -> dict[str, Any]:
    return client.call(operation("workbench", "GetStatus"))
