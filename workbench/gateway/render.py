"""What the gateway's files say.

Pure: settings and routes in, files out. The configuration is read best in `haproxy.cfg` itself;
here only its few blanks are filled. A new kind of route is one more block of rules and a backend
there, and its map and servers here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from workbench.gateway import pages
from workbench.gateway.routes import NotebookRoute
from workbench.settings import BadSetting, Settings

RUN_INSIDE = "/run/workbench/gateway"
"""The gateway's own files, as its container sees them."""

DAEMON_INSIDE = "/run/workbench/daemon"
"""The directory of the daemon's socket, as the gateway's container sees it: a directory, so that a
daemon that was restarted is found again."""

CONFIGURATION = "haproxy.cfg"
NOTEBOOKS = "notebooks.map"
CERTIFICATE = "certificate.pem"

INPUTS_KEPT_MS = 24 * 60 * 60 * 1000
"""So long it is known when something was last sent to a notebook."""

_TLS = f" ssl crt {RUN_INSIDE}/{CERTIFICATE} ssl-min-ver TLSv1.2 alpn http/1.1"

_TEMPLATE = (Path(__file__).parent / "haproxy.cfg").read_text()
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_IPV4_LOOPBACK = "127.0.0.1"


def frame(settings: Settings, listens_on: Iterable[str], certificate: str = "") -> Mapping[str, str]:
    """All files that do not depend on the routes; the configuration still wants its servers.

    Args:
        settings: Domain and socket are used.
        listens_on: See the function of that name.
        certificate: With its key, to speak TLS with; plain HTTP when empty.

    Raises:
        BadSetting: The domain is not a domain name.
    """
    domain = settings.domain.lower()
    if not _DOMAIN.fullmatch(domain):
        raise BadSetting(f"domain is {settings.domain!r}; a name like notebooks.example.org is wanted.")
    blanks = {
        "RUN": RUN_INSIDE,
        "DAEMON": DAEMON_INSIDE,
        "DAEMON_SOCKET": settings.gateway_socket.name,
        "DOMAIN": domain.replace(".", "[.]"),
        "BINDS": "\n    ".join(f"bind {address}{_TLS if certificate else ''}" for address in listens_on),
        "INPUTS_KEPT_MS": str(INPUTS_KEPT_MS),
        "REFUSALS": "\n    ".join(_refusals()),
    }
    configuration = _TEMPLATE
    for name, value in blanks.items():
        configuration = configuration.replace(f"@{name}@", value)
    files = {**pages.files(), CONFIGURATION: configuration}
    if certificate:
        files[CERTIFICATE] = certificate
    generation = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
    return {**files, CONFIGURATION: configuration.replace("@GENERATION@", generation)}


def generation(files: Mapping[str, str]) -> str:
    """What the frame's files are told by; HAProxy repeats it when asked for its description."""
    found = re.search(r"^    description (\S+)$", files[CONFIGURATION], re.MULTILINE)
    return found[1] if found else ""


def with_routes(frame: Mapping[str, str], routes: Iterable[NotebookRoute]) -> Mapping[str, str]:
    """The frame's files completed, and the maps."""
    known = sorted(routes, key=lambda route: route.id)
    servers = [f"server {each.id} {each.server.endpoint} {SERVER_OPTIONS}" for each in known if each.server]
    records = [f"{each.id} {each.record}" for each in known]
    return {
        **frame,
        CONFIGURATION: frame[CONFIGURATION].replace("@SERVERS@", "\n    ".join(servers)),
        NOTEBOOKS: "\n".join(["# id phase:cookie:access token:Jupyter's token", *records, ""]),
    }


SERVER_OPTIONS = "weight 0 pool-max-conn 0"
"""Never picked but by name. No idle connections are kept: they would hold up its removal, and its
address may be another container's later."""


def listens_on(settings: Settings, *, ipv6: bool) -> tuple[str, ...]:
    """The addresses of the one port, as HAProxy spells them.

    Browsers take `*.localhost` to mean either loopback, so both are listened on where `ipv6`
    says that there are both.
    """
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if settings.host == _IPV4_LOOPBACK and ipv6:
        return (f"{host}:{settings.port}", f"[::1]:{settings.port}")
    return (f"{host}:{settings.port}",)


def addresses(configuration: str) -> tuple[str, ...]:
    """The addresses that a configuration listens on."""
    return tuple(re.findall(r"^    bind (\S+)", configuration, re.MULTILINE))


def _refusals() -> Iterable[str]:
    for name, page in pages.REFUSALS.items():
        for kind, source, condition in (
            ("text/html", f"file {RUN_INSIDE}/pages/{name}.html", "likes_html"),
            ("application/json", f"lf-file {RUN_INSIDE}/pages/{name}.json", ""),
        ):
            yield (
                f"http-request return status {page.status} content-type {kind} {source} "
                f"hdr Cache-Control no-store if {{ var(txn.refusal) -m str {name} }} {condition}"
            ).rstrip()
