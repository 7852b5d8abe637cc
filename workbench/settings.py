"""All configuration, in one class.

A value comes from, in this order: a flag, the environment (`WORKBENCH_` and the field's name
in capitals), `config.toml` in the home, the host's own proxy and certificate variables for
the few fields that follow them, the default. `docs/settings.md` is written from the fields.
"""

from __future__ import annotations

import math
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput

_LONGEST_SOCKET_PATH = 107
"""Bytes that fit into a Unix socket's address, Linux `sun_path` less its closing zero."""

_DAY_S = 24 * 60 * 60
_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
_TABLE = "a table of names and absolute paths (NAME=/path,NAME=/path in the environment)"

OWN_ROOTS = ("workspace", "home")
"""What `nas://workspace/` and `nas://home/` lead to is no administrator's choice."""

OTHER_VARIABLES = frozenset(
    {
        "WORKBENCH_ENDPOINT",
        "WORKBENCH_ACCESS_KEY_ID",
        "WORKBENCH_ACCESS_KEY_SECRET",
        "WORKBENCH_TOKEN",
        "WORKBENCH_WORKSPACE_ID",
        "WORKBENCH_GPU_MEMORY_FRACTION",
        "WORKBENCH_DRAW_ANEW",
    }
)
"""Variables of our name that are no settings: a client's, a session's, and one of the tests'."""


class BadSetting(InvalidInput):
    """A setting has a value that cannot be used."""

    code = "InvalidSetting"


class UnusableHome(BadSetting):
    """This user cannot keep a Workbench in this home."""

    def __init__(self, home: Path, error: OSError) -> None:
        if isinstance(error, PermissionError) and _belongs_to_another(home):
            super().__init__(
                f"{home} belongs to another user.",
                hint="Ask them for an access key and use the endpoint, or choose your own home with --home.",
            )
        else:
            super().__init__(
                f"{error.filename or home} cannot be written: {error.strerror}.",
                hint="Make the home writable for this user, or choose another one with --home.",
            )


def _setting(
    default: Any,
    help: str,
    *,
    least: float | None = None,
    most: float | None = None,
    follows: tuple[str, ...] = (),
) -> Any:
    metadata = {"help": help, "least": least, "most": most, "follows": follows}
    return field(default_factory=lambda: default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an administrator may set. Sizes are in the unit that the name says."""

    home: Path = _setting(
        Path("~/.workbench"), "Where everything is kept: database, sockets, logs, workspaces' files."
    )
    host: str = _setting("127.0.0.1", "Address the gateway listens on.")
    port: int = _setting(8580, "The one HTTP port, held by the gateway.", least=1, most=65_535)
    domain: str = _setting(
        "localhost", "Domain whose subdomains lead here; each notebook gets one as its own origin."
    )
    expose: bool = _setting(False, "Allow listening beyond loopback although the port speaks plain HTTP.")
    tls_certificate: str = _setting(
        "",
        "PEM file with the certificate for the domain and its subdomains, and those up to the root; with it"
        " the port speaks TLS alone.",
    )
    tls_key: str = _setting("", "PEM file with the certificate's key, without a passphrase.")
    docker_host: str = _setting(
        "unix:///var/run/docker.sock", "The Docker engine's address.", follows=("DOCKER_HOST",)
    )

    http_proxy: str = _setting("", "Proxy for HTTP, given to builds.", follows=("http_proxy", "HTTP_PROXY"))
    https_proxy: str = _setting(
        "", "Proxy for HTTPS, given to builds.", follows=("https_proxy", "HTTPS_PROXY")
    )
    no_proxy: str = _setting("", "Hosts that need no proxy.", follows=("no_proxy", "NO_PROXY"))
    ca_bundle: str = _setting(
        "",
        "File with the certificates to trust in builds and sessions, for networks with a CA of their own.",
        follows=("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"),
    )
    pip_index_url: str = _setting(
        "", "Python package index for builds and sessions.", follows=("PIP_INDEX_URL",)
    )
    apt_mirror: str = _setting("", "Debian mirror for builds; Debian's own when empty.")
    base_image: str = _setting("debian:bookworm-slim", "What images are built on, when it can be pulled.")

    notebook_cpus: float = _setting(
        2.0, "CPUs a notebook gets when it does not say.", least=0.01, most=10_000
    )
    notebook_memory_gib: float = _setting(
        4.0, "Memory in GiB a notebook gets when it does not say.", least=0.0625, most=100_000
    )
    cpu_overcommit: float = _setting(
        16.0,
        "How many times over the machine's CPUs are promised: a limit is seldom reached.",
        least=0.01,
        most=1000,
    )
    memory_overcommit: float = _setting(
        4.0, "How many times over the machine's memory is promised.", least=0.01, most=1000
    )
    start_timeout_s: int = _setting(
        120, "Seconds a session may take to answer before it counts as failed.", least=1, most=_DAY_S
    )
    stop_grace_s: int = _setting(
        10, "Seconds between asking a container to stop and killing it.", least=0, most=_DAY_S
    )
    preempt_grace_s: int = _setting(
        60,
        "Seconds that a preempted notebook still has, to save what is in it, before it is stopped.",
        least=0,
        most=_DAY_S,
    )
    pids_limit: int = _setting(4096, "Processes and threads a container may have.", least=1, most=4_194_304)
    log_cap_mib: int = _setting(50, "Log kept of one container, in MiB.", least=1, most=1_000_000)
    disk_floor_gib: float = _setting(
        2.0, "Free disk in GiB below which no new work is started.", least=0, most=1_000_000
    )
    sample_s: float = _setting(
        5.0, "Seconds from one look at what everything uses to the next.", least=0.1, most=3600
    )
    metrics_cap_mib: int = _setting(
        1024,
        "Size of the metrics' file in MiB beyond which they are kept less long.",
        least=1,
        most=1_000_000,
    )
    idle_gpu_minutes: int = _setting(
        60, "Minutes that a GPU may be held and unused before its holder hears of it.", least=1, most=525_600
    )
    idle_gpu_percent: float = _setting(1.0, "Use of a GPU in percent that counts as none.", least=0, most=100)
    resync_s: int = _setting(
        60, "Seconds between two looks at everything, whatever the events said.", least=1, most=_DAY_S
    )
    workers: int = _setting(8, "Objects worked on at once.", least=1, most=256)
    log_level: str = _setting("info", "Least level of the daemon's log: debug, info, warning, error.")
    mount_roots: Mapping[str, Path] = _setting(
        types.MappingProxyType({}),
        "Directories of this machine that may be mounted as nas://NAME/, a table of names and paths.",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "home", self.home.expanduser().absolute())
        object.__setattr__(self, "docker_host", self.docker_host or "unix:///var/run/docker.sock")
        _check(self)

    @property
    def database(self) -> Path:
        """The state that a user would miss."""
        return self.home / "state.db"

    @property
    def run(self) -> Path:
        """Sockets, pid files and pinned mounts: only the daemon writes here."""
        return self.home / "run"

    @property
    def socket(self) -> Path:
        """Where the daemon answers local clients, who are known by their Unix uid."""
        return self.run / "daemon.sock"

    @property
    def gateway_socket(self) -> Path:
        """Where the daemon answers what comes in by the gateway, which proves who it is by signature."""
        return self.run / "gateway" / "public.sock"

    @property
    def in_force(self) -> Path:
        """Where the daemon says which settings it was started with."""
        return self.run / "settings.json"

    @property
    def logs(self) -> Path:
        """The daemon's log, and those of containers that are gone."""
        return self.home / "logs"

    @property
    def tls(self) -> bool:
        """Whether the port speaks TLS."""
        return bool(self.tls_certificate)

    @property
    def endpoint(self) -> str:
        """The URL that the SDKs are pointed at; with TLS by name, since that is what a certificate is for."""
        if self.tls:
            return f"https://{self.domain}:{self.port}"
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 (compared, not bound)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def load(flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        flags: Values given on the command line, by field name; None counts as not given.
        environ: The environment, the process's own by default.

    Raises:
        BadSetting: A value or a name is wrong; the message says where it came from.
    """
    environ = os.environ if environ is None else environ
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    home = _home(str(given.get("home") or environ.get("WORKBENCH_HOME") or "~/.workbench"))
    in_file = _read_file(home / "config.toml")
    _refuse_unknown(environ)

    values: dict[str, Any] = {"home": home}
    hints = typing.get_type_hints(Settings)
    for setting in fields(Settings):
        name, in_environment = setting.name, variable(setting.name)
        followed = [each for each in setting.metadata["follows"] if environ.get(each)]
        if name == "home":
            continue
        if name in given:
            value, source = given[name], "--" + name.replace("_", "-")
        elif in_environment in environ:
            value, source = environ[in_environment], in_environment
        elif name in in_file:
            value, source = in_file[name], str(home / "config.toml")
        elif followed:
            value, source = environ[followed[0]], followed[0]
        else:
            continue
        values[name] = _in_range(setting, _convert(name, value, hints[name], source), source)
    return Settings(**values)


def expect_files(settings: Settings) -> None:
    """Refuse what would fail each build and each session later.

    Raises:
        BadSetting: A file that a setting names is not there.
    """
    if settings.ca_bundle and not Path(settings.ca_bundle).is_file():
        raise BadSetting(
            f"ca_bundle is {settings.ca_bundle}, and there is no such file.",
            hint="Set WORKBENCH_CA_BUNDLE to the file with your network's certificates; without it"
            " PIP_CERT, REQUESTS_CA_BUNDLE and SSL_CERT_FILE are followed.",
        )


def as_texts(settings: Settings) -> dict[str, str]:
    """Each setting's value, to be compared with another's."""
    return {setting.name: str(getattr(settings, setting.name)) for setting in fields(Settings)}


def variable(name: str) -> str:
    """The environment's name for a setting."""
    return f"WORKBENCH_{name.upper()}"


def variables() -> list[str]:
    """All names that settings have in an environment, and those that they follow; but for the home's."""
    names = [variable(setting.name) for setting in fields(Settings) if setting.name != "home"]
    return [*names, *(each for setting in fields(Settings) for each in setting.metadata["follows"])]


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = {variable(setting.name) for setting in fields(Settings)} | OTHER_VARIABLES
    unknown = sorted(name for name in environ if name.startswith("WORKBENCH_") and name not in known)
    if not unknown:
        return
    import difflib  # noqa: PLC0415 (only for this message: every command reads the settings)

    near = difflib.get_close_matches(unknown[0], sorted(known), n=1)
    meant = f"Is {near[0]} meant? " if near else ""
    raise BadSetting(
        f"The environment sets {', '.join(unknown)}, which Workbench does not know.",
        hint=f"{meant}docs/settings.md has all settings; unset what is none of them.",
    )


def _home(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise BadSetting(f"home is {text!r}, and there is no such user; a directory is wanted.") from error


def _belongs_to_another(home: Path) -> bool:
    try:
        return home.stat().st_uid != os.geteuid()
    except FileNotFoundError:
        return False
    except OSError:
        return True  # not even its name may be looked up


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        if isinstance(error, PermissionError) and _belongs_to_another(path.parent):
            return {}  # its daemon's business; its clients need no more than the socket or an endpoint
        raise BadSetting(f"{path} cannot be read: {error.strerror}.") from error
    import tomllib  # noqa: PLC0415 (only where there is a file: every command reads the settings)

    try:
        table = tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        raise BadSetting(f"{path} is not valid TOML: it is not UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"{path} is not valid TOML: {error}.") from error
    known = {setting.name for setting in fields(Settings)} - {"home"}
    unknown = sorted(table.keys() - known)
    if unknown:
        raise BadSetting(
            f"{path} sets {', '.join(unknown)}, which Workbench does not know.",
            hint=f"Known settings: {', '.join(sorted(known))}.",
        )
    return table


def _convert(name: str, value: object, wanted: Any, source: str) -> object:
    try:
        return _as_table(value) if typing.get_origin(wanted) is Mapping else _as(wanted, value)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise BadSetting(
            f"{name} is {value!r} in {source}; {_KINDS.get(wanted, _TABLE)} is wanted."
        ) from error


def _as(wanted: type, value: object) -> object:
    if wanted is bool:
        return _TRUTHS[str(value).lower()]
    if isinstance(value, bool) or not isinstance(value, str if wanted is str else str | int | float):
        raise TypeError
    converted = wanted(value)
    if wanted is not str and not math.isfinite(converted):
        raise ValueError
    if wanted is int and isinstance(value, float) and converted != value:
        raise ValueError
    return converted


def _as_table(value: object) -> Mapping[str, Path]:
    if isinstance(value, str):
        value = dict(pair.split("=", 1) for pair in value.split(",") if pair)
    if not isinstance(value, Mapping) or not all(isinstance(path, str) for path in value.values()):
        raise TypeError
    return types.MappingProxyType({name: Path(path) for name, path in value.items()})


def _in_range(setting: Field[Any], value: Any, source: str) -> Any:
    least, most = setting.metadata["least"], setting.metadata["most"]
    if least is None or least <= value <= most:
        return value
    raise BadSetting(f"{setting.name} is {value} in {source}; a number from {least} to {most} is wanted.")


def _check(settings: Settings) -> None:
    try:
        loopback = ip_address(settings.host).is_loopback
    except ValueError as error:
        raise BadSetting(f"host is {settings.host!r}; an IP address is wanted.") from error
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise BadSetting("Only one of tls_certificate and tls_key is set; both are wanted, or neither.")
    if not loopback and not settings.expose and not settings.tls:
        raise BadSetting(
            f"host is {settings.host}, which others can reach, and the port speaks plain HTTP.",
            hint="Set tls_certificate and tls_key, or expose = true to accept the risk.",
        )
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise BadSetting(f"log_level is {settings.log_level!r}; debug, info, warning or error is wanted.")
    for name, path in settings.mount_roots.items():
        if name in OWN_ROOTS:
            raise BadSetting(
                f"mount_roots.{name} cannot be set: nas://{name}/ leads to Workbench's own directories.",
                hint="Give it another name.",
            )
        if name in ("", ".", "..") or "/" in name:
            raise BadSetting(f"mount_roots has the name {name!r}; a part of a path, without /, is wanted.")
        if not path.is_absolute():
            raise BadSetting(f"mount_roots.{name} is {path}; an absolute path is wanted.")
    longest = len(os.fsencode(settings.run / "gateway" / "master.sock"))
    if longest > _LONGEST_SOCKET_PATH:
        raise BadSetting(
            f"home is {settings.home}: too long, since the sockets in it would need {longest} bytes.",
            hint=f"A socket's path has at most {_LONGEST_SOCKET_PATH}; choose a shorter home.",
        )
