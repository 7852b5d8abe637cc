"""`workbench install-service`: systemd starts the daemon with the machine.

systemd gives a service none of the environment that this command has, and sudo little of it. So what
the daemon would read there stands in the unit: which home, whose it is, and the settings.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import click

from workbench.cli.output import say
from workbench.cli.session import Session, pass_session
from workbench.errors import Conflict, InvalidInput, WorkbenchError
from workbench.settings import load, variables

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


class UnitUnwritable(Conflict):
    """The unit's file is not this user's to write."""

    code = "UnitUnwritable"


class AmbiguousHome(InvalidInput):
    """Root has a Workbench, and so has the user who said sudo."""

    code = "AmbiguousHome"


@click.command("install-service")
@click.option("--user/--system", "for_user", default=None, help="Whose service; root's is the system's.")
@click.option("--print", "only_print", is_flag=True, help="Only print the unit.")
@pass_session
def install_service(session: Session, for_user: bool | None, only_print: bool) -> None:
    """Install a systemd unit and start it. Notebooks outlive its restarts.

    The service runs as who owns the home. Settings of the environment go into the unit.
    """
    for_user = os.geteuid() != 0 if for_user is None else for_user
    home = load({"home": session.home or _home(os.environ)}).home
    settings, secret = settings_of(os.environ)
    text = unit(
        python=sys.executable,
        home=home,
        for_user=for_user,
        user="" if for_user else _other_owner(home),
        environment=settings,
    )
    for name in secret:
        say(f"{name} holds a password, which everybody could read in a unit: put it into {home}/config.toml.")
    if only_print:
        click.echo(text, nl=False)
        return
    if not _SYSTEMD_RUNS.is_dir():
        raise NoSystemd(
            "This machine was not started by systemd.",
            hint="Let what starts your machine run `workbench up`; --print shows the unit for elsewhere.",
        )
    folder = _user_units(os.environ) if for_user else _SYSTEM_UNITS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _NAME).write_text(text)
    except OSError as error:
        raise UnitUnwritable(
            f"{folder / _NAME} cannot be written: {error.strerror}.",
            hint="The system's units are root's: say it with sudo, or --user for a service of your own.",
        ) from error
    scope = ["--user"] if for_user else []
    _systemctl(*scope, "daemon-reload")
    _systemctl(*scope, "enable", "--now", _NAME)
    say(f"Installed and started {folder / _NAME}.")
    if for_user:
        say("To start it before you log in: sudo loginctl enable-linger $USER")


def unit(
    *, python: str, home: Path, for_user: bool, user: str = "", environment: Mapping[str, str] | None = None
) -> str:
    """The unit's text.

    The daemon alone is the service: containers belong to the engine, and `KillMode=process`
    leaves everything else alone when the daemon is stopped or restarted.

    Args:
        user: Who the daemon runs as, if not as who starts it.
        environment: Settings, by variable.
    """
    after = "" if for_user else "After=network-online.target docker.service\nWants=network-online.target\n"
    variables = {**(environment or {}), "WORKBENCH_HOME": str(home)}
    lines = [f"User={user}"] * bool(user)
    lines += [f'Environment="{name}={_escaped(value)}"' for name, value in sorted(variables.items())]
    service = "\n".join(lines)
    return f"""[Unit]
Description=Workbench
{after}StartLimitIntervalSec=0

[Service]
{service}
ExecStart="{_escaped(python)}" -m workbench.daemon
Restart=on-failure
RestartSec=2
KillMode=process
TimeoutStopSec=60

[Install]
WantedBy={"default.target" if for_user else "multi-user.target"}
"""


def settings_of(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What an environment sets that the daemon reads, and the names of those that nobody else may read."""
    given = {name: environ[name] for name in variables() if name in environ}
    secret = [name for name, value in given.items() if _has_password(value)]
    return {name: value for name, value in given.items() if name not in secret}, secret


def choose_home(own: Path, theirs: Path) -> Path:
    """Whose Workbench root installs: sudo hides that it is the one of the user who said it.

    Raises:
        AmbiguousHome: Both have one.
    """
    if theirs == own or not _is_used(theirs):
        return own
    if _is_used(own):
        raise AmbiguousHome(
            f"There is a Workbench in {own} and one in {theirs}.",
            hint="Say which: workbench --home DIRECTORY install-service.",
        )
    return theirs


def _home(environ: Mapping[str, str]) -> Path | None:
    if environ.get("WORKBENCH_HOME") or os.geteuid() != 0 or not environ.get("SUDO_USER"):
        return None
    try:
        theirs = Path(pwd.getpwnam(environ["SUDO_USER"]).pw_dir)
    except KeyError:
        return None
    return choose_home(Path.home() / ".workbench", theirs / ".workbench")


def _is_used(home: Path) -> bool:
    return (home / "state.db").exists()


def _other_owner(home: Path) -> str:
    """Who owns the home, if not root: what root's daemon would write in it they could not use any more."""
    try:
        owner = home.stat().st_uid
        return pwd.getpwuid(owner).pw_name if owner else ""
    except (FileNotFoundError, KeyError):
        return ""


def _has_password(value: str) -> bool:
    try:
        return bool(urlsplit(value).password)
    except ValueError:
        return False


def _user_units(environ: Mapping[str, str]) -> Path:
    configuration = environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(configuration) / "systemd" / "user"


def _escaped(value: object) -> str:
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return text.replace("%", "%%").replace("\n", "\\n")


def _systemctl(*arguments: str) -> None:
    ended = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemdRefused(f"systemctl {' '.join(arguments)}: {ended.stderr.strip()}")
