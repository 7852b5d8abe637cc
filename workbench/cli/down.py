"""`workbench down`: everything stops, nothing is lost; with `--purge`, everything goes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from workbench.cli import daemon_process, engine
from workbench.cli.output import progress, say
from workbench.cli.session import Session, pass_session
from workbench.client import Client, DaemonAway
from workbench.errors import EngineAway, InvalidInput, WorkbenchError
from workbench.settings import Settings
from workbench.wire.operations import operation

_ENDED_WITHIN_S = 120.0


class NotStopped(WorkbenchError):
    """Something of Workbench still runs."""

    code = "NotStopped"


class NotOurs(InvalidInput):
    """A home that holds more than what Workbench made."""

    code = "NotOurs"


@click.command()
@click.option("--purge", is_flag=True, help="Then remove everything: notebooks, files, images, the home.")
@click.option("--yes", is_flag=True, help="Do not ask before --purge.")
@pass_session
def down(session: Session, purge: bool, yes: bool) -> None:
    """Stop notebooks, gateway and daemon. All files stay."""
    home = session.settings.home
    if purge:
        _refuse_to_remove_more_than_ours(home)
    if purge and not yes:
        click.confirm(
            f"Remove {home} with all notebooks and all files of its workspaces? This cannot be undone",
            abort=True,
            err=True,
        )
    if not purge and _nothing_can_run(session.settings):
        say("Nothing to stop: neither the daemon nor a Docker engine runs.")
        return
    with progress("Stopping Workbench") as show:
        show("notebooks, gateway, daemon")
        _stop(session)
    if purge:
        _run_offline(session, "--purge")
        say(f"Workbench is gone; {home} was removed.")
    else:
        say(f"Workbench has stopped; {home} keeps all files.")


def _refuse_to_remove_more_than_ours(home: Path) -> None:
    if home == Path.home() or home in Path.home().parents or not (home / "state.db").exists():
        raise NotOurs(
            f"{home} is not a directory of Workbench's alone, so it is not removed.",
            hint="Check --home and WORKBENCH_HOME; `workbench down` without --purge removes no files.",
        )


def _nothing_can_run(settings: Settings) -> bool:
    """As after an earlier `scripts/down`, which ends the engine that it began."""
    if daemon_process.pid(settings) is not None:
        return False
    try:
        engine.check(settings.docker_host)
    except EngineAway as error:
        return not isinstance(error.__cause__, PermissionError)
    return False


def _stop(session: Session) -> None:
    settings = session.settings
    running = daemon_process.pid(settings)
    if running is not None:
        try:
            Client(settings.socket).call(operation("workbench", "Shutdown"), Sessions=True)
        except DaemonAway:
            say(f"The daemon (process {running}) does not answer; waiting for its end.")
        if not daemon_process.await_end(settings, within_s=_ENDED_WITHIN_S):
            raise NotStopped(
                f"The daemon (process {running}) still runs after {_ENDED_WITHIN_S:.0f} seconds.",
                hint=f"End it with `kill -9 {running}`, then run `workbench down` again.",
            )
    elif settings.home.exists():
        _run_offline(session, "--down")


def _run_offline(session: Session, what: str) -> None:
    # With no daemon to ask, its own code cleans up: it knows the containers, networks and mounts.
    engine.check(session.settings.docker_host)
    command = [sys.executable, "-m", "workbench.daemon", what]
    ended = subprocess.run(command, env=session.environment(), check=False, capture_output=True, text=True)
    if ended.returncode:
        raise NotStopped(f"Not everything could be stopped or removed:\n{ended.stderr.strip()}")
