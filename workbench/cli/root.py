"""The commands by name, and what all of them share: global options, errors, exit codes."""

from __future__ import annotations

import importlib
import os
from enum import IntEnum
from typing import Any

import click

from workbench.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    LimitReached,
    NotFound,
    Unauthenticated,
    WorkbenchError,
)


class ExitCode(IntEnum):
    """What a script learns from how a command ended."""

    FAILED = 1
    """It was tried and did not work: a notebook failed, an image could not be built."""
    USAGE = 2
    """The command line, a value in it or a setting is wrong; nothing was done."""
    AWAY = 3
    """Workbench is not running, or does not answer."""
    NOT_FOUND = 4
    """There is no such thing."""
    REFUSED = 5
    """The caller is unknown, or may not do this."""
    NOT_NOW = 6
    """It cannot be done as things stand: name taken, wrong state, limit reached."""
    INTERRUPTED = 130
    """Ctrl-C. What the daemon was asked for goes on."""


_BY_STATUS = {
    InvalidInput.status: ExitCode.USAGE,
    Unauthenticated.status: ExitCode.REFUSED,
    Forbidden.status: ExitCode.REFUSED,
    NotFound.status: ExitCode.NOT_FOUND,
    Conflict.status: ExitCode.NOT_NOW,
    LimitReached.status: ExitCode.NOT_NOW,
}

_BAD_CREDENTIALS = ("Signature", "InvalidTimeStamp", "InvalidAccessKeyId", "InvalidBearerToken")
"""How PAI's codes begin that say the caller is not known; their status tells no more than 400."""

_COMMANDS = {
    "up": ("workbench.cli.up", "Start Workbench in the background."),
    "down": ("workbench.cli.down", "Stop everything that Workbench runs; all files stay."),
    "status": ("workbench.cli.status", "Say what runs and what does not."),
    "notebook": ("workbench.cli.notebook", "Notebooks: create, list, open, stop ..."),
    "events": ("workbench.cli.events", "What happened, and what happens."),
    "node": ("workbench.cli.node", "This machine: CPUs, memory, GPUs and who holds them."),
    "queue": ("workbench.cli.node", "What waits for a place, and why."),
    "gpu": ("workbench.cli.node", "Keep new work away from a GPU, or let it back."),
    "dashboard": ("workbench.cli.programs", "Open the dashboard in this terminal."),
    "env": ("workbench.cli.env", "Print how programs connect: endpoint, access key, workspace."),
    "workspace": ("workbench.cli.workspace", "Workspaces and their quotas."),
    "member": ("workbench.cli.member", "Who is in a workspace, and with which roles."),
    "roles": ("workbench.cli.roles", "Which role may do what."),
    "user": ("workbench.cli.user", "Users of this machine."),
    "accesskey": ("workbench.cli.accesskey", "Access keys, which sign requests."),
    "token": ("workbench.cli.token", "Bearer tokens, which stand for a user until they expire."),
    "pool": ("workbench.cli.pool", "Parts of the machine set aside for some workspaces."),
    "tag": ("workbench.cli.tag", "Tags, and what has them."),
    "audit": ("workbench.cli.audit", "Who did what, and what was refused."),
    "images": ("workbench.cli.images", "The images that Workbench builds."),
    "doctor": ("workbench.cli.programs", "Check this machine and say what to do."),
    "daemon": ("workbench.cli.programs", "Run the daemon in the foreground."),
    "install-service": ("workbench.cli.install_service", "Let systemd start Workbench with the machine."),
    "completion": ("workbench.cli.completion", "Print the shell's completion script."),
}


class _Commands(click.Group):
    """Knows its commands by name, and imports one when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except WorkbenchError as error:
            _show(error)
            ctx.exit(_exit_code(error))
        except KeyboardInterrupt:
            click.echo("\nInterrupted.", err=True)
            ctx.exit(ExitCode.INTERRUPTED)


def _show(error: WorkbenchError) -> None:
    from workbench.cli.output import say  # noqa: PLC0415

    say(f"Error: {error.message}")
    if error.hint:
        say(error.hint)
    if error.code.startswith(_BAD_CREDENTIALS) and os.environ.get("WORKBENCH_ENDPOINT"):
        say("On Workbench's own machine no key is needed: `unset WORKBENCH_ENDPOINT` to ask without one.")
    if error.status >= 500 and (request_id := getattr(error, "request_id", "")):
        say(f"The daemon's log says more at request {request_id}.")


def _exit_code(error: WorkbenchError) -> ExitCode:
    if error.code == "DaemonAway":
        return ExitCode.AWAY
    if error.code.startswith(_BAD_CREDENTIALS):
        return ExitCode.REFUSED
    return _BY_STATUS.get(error.status, ExitCode.FAILED)


def _print_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from workbench import __version__  # noqa: PLC0415

        click.echo(f"workbench {__version__}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", metavar="DIRECTORY", help="Workbench's home. [WORKBENCH_HOME, ~/.workbench]")
@click.option("--endpoint", metavar="URL", help="A Workbench elsewhere. [WORKBENCH_ENDPOINT]")
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Print it."
)
@click.pass_context
def workbench(ctx: click.Context, home: str | None, endpoint: str | None) -> None:
    """One machine as an AI platform: notebooks in containers, kept and shown.

    `workbench up` starts it. Results are printed to stdout, everything else to stderr.
    """
    from workbench.cli.session import Session  # noqa: PLC0415

    ctx.obj = Session(home=home, endpoint=endpoint or "")
