"""Commands that are programs of their own: this process becomes theirs."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from typing import NoReturn

import click

from workbench.cli import engine
from workbench.cli.output import as_json
from workbench.cli.session import Session, pass_session
from workbench.cli.setting_flags import as_environment, setting_flags
from workbench.settings import load


@click.command()
@setting_flags
@pass_session
def daemon(session: Session, flags: Mapping[str, str]) -> None:
    """Run the daemon in the foreground; Ctrl-C ends it, and notebooks go on."""
    engine.check_address(load({"home": session.home, **flags}).docker_host)
    _become("workbench.daemon", environment=session.environment(**as_environment(flags)))


@click.command()
@as_json
@pass_session
def doctor(session: Session, json_wanted: bool) -> None:
    """Check engine, kernel, disk, ports and GPUs, and say what to do about each finding."""
    _become("workbench.doctor", *["--json"] * json_wanted, environment=session.environment())


@click.command()
@click.option("--web", is_flag=True, help="In a browser instead: print the link, serve until Ctrl-C.")
@click.option("--read-only", is_flag=True, help="Look only: nothing can be changed, and every key says so.")
@pass_session
def dashboard(session: Session, web: bool, read_only: bool) -> None:
    """Open the dashboard in this terminal."""
    if importlib.util.find_spec("workbench_tui") is None:
        raise click.ClickException("The dashboard is not installed; install the package workbench again.")
    if not web and not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise click.UsageError(
            "The dashboard needs a terminal for its keys and its screen; `--web` serves it in a browser, and"
            " `workbench status` and `workbench notebook list` print what there is."
        )
    module = "workbench_tui.web" if web else "workbench_tui"
    options = ["--read-only"] * read_only
    elsewhere = {"WORKBENCH_ENDPOINT": session.endpoint} if session.endpoint else {}
    _become(module, *options, environment=session.environment(**elsewhere))


def _become(module: str, *arguments: str, environment: Mapping[str, str]) -> NoReturn:
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], environment)  # noqa: S606
