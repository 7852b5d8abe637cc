"""`workbench install-service`: systemd starts the daemon with the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from workbench.cli.output import say
from workbench.cli.session import Session, pass_session
from workbench.errors import Conflict, WorkbenchError

_NAME = "workbench.service"
_SYSTEM_UNITS = Path("/etc/systemd/system")
_SYSTEMD_RUNS = Path("/run/systemd/system")
"""There exactly when systemd started this machine, see sd_booted(3)."""


class NoSystemd(Conflict):
    """This machine was not started by systemd."""

    code = "NoSystemd"


class SystemdRefused(WorkbenchError):
    """systemctl said no."""

    code = "SystemdRefused"


@click.command("install-service")
@click.option("--user/--system", "for_user", default=None, help="Whose service; root's is the system's.")
@click.option("--print", "only_print", is_flag=True, help="Only print the unit.")
@pass_session
def install_service(session: Session, for_user: bool | None, only_print: bool) -> None:
    """Install a systemd unit and start it. Notebooks outlive its restarts."""
    for_user = os.geteuid() != 0 if for_user is None else for_user
    text = unit(python=sys.executable, home=session.settings.home, for_user=for_user)
    if only_print:
        click.echo(text, nl=False)
        return
    if not _SYSTEMD_RUNS.is_dir():
        raise NoSystemd(
            "This machine was not started by systemd.",
            hint="Let what starts your machine run `workbench up`; --print shows the unit for elsewhere.",
        )
    folder = _user_units(os.environ) if for_user else _SYSTEM_UNITS
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _NAME).write_text(text)
    scope = ["--user"] if for_user else []
    _systemctl(*scope, "daemon-reload")
    _systemctl(*scope, "enable", "--now", _NAME)
    say(f"Installed and started {folder / _NAME}.")
    if for_user:
        say("To start it before you log in: sudo loginctl enable-linger $USER")


def unit(*, python: str, home: Path, for_user: bool) -> str:
    """The unit's text.

    The daemon alone is the service: containers belong to the engine, and `KillMode=process`
    leaves everything else alone when the daemon is stopped or restarted.
    """
    after = "" if for_user else "After=network-online.target docker.service\nWants=network-online.target\n"
    return f"""[Unit]
Description=Workbench
{after}StartLimitIntervalSec=0

[Service]
Environment="WORKBENCH_HOME={_escaped(home)}"
ExecStart="{_escaped(python)}" -m workbench.daemon
Restart=on-failure
RestartSec=2
KillMode=process
TimeoutStopSec=60

[Install]
WantedBy={"default.target" if for_user else "multi-user.target"}
"""


def _user_units(environ: Mapping[str, str]) -> Path:
    configuration = environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(configuration) / "systemd" / "user"


def _escaped(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")


def _systemctl(*arguments: str) -> None:
    ended = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemdRefused(f"systemctl {' '.join(arguments)}: {ended.stderr.strip()}")
