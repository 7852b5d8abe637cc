"""What has to be said to a running HAProxy so that it knows what the files say.

Pure: what it knows and what it should know in, commands out. Whoever asks is not told what was
changed last, only what is so; so a command that was lost, or a HAProxy that was restarted,
needs no special case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from workbench.gateway.render import NOTEBOOKS, RUN_INSIDE, SERVER_OPTIONS
from workbench.gateway.routes import NotebookRoute, Server

_MAP = f"{RUN_INSIDE}/{NOTEBOOKS}"


@dataclass(frozen=True)
class Running:
    """What one worker knows of notebooks: the map's records and the servers, by id."""

    records: Mapping[str, str]
    servers: Mapping[str, Server]


def wanted(routes: Iterable[NotebookRoute]) -> Running:
    """What every worker should know."""
    known = list(routes)
    servers = {each.id: each.server for each in known if each.server}
    return Running({each.id: each.record for each in known}, servers)


def changes(running: Running, wanted: Running) -> list[str]:
    """The commands that lead a worker from one to the other.

    What must end is taken out of use first and back into use last, when nothing opens it with
    old secrets and nothing is connected any more. So a change that was interrupted shows, and
    the next one finishes it.
    """
    ending = sorted(revoked(running, wanted))
    return [
        *(f"set server notebooks/{id} state maint" for id in ending if running.servers[id].in_use),
        *_closed_records(running, wanted),
        *_servers(running, wanted),
        *_opened_records(running, wanted),
        *(f"shutdown sessions server notebooks/{id}" for id in ending),
        *(_back_into_use(id) if id in wanted.servers else f"del server notebooks/{id}" for id in ending),
    ]


def last_changes(running: Running, wanted: Running) -> list[str]:
    """The commands for a worker that leaves, which can be told of records only.

    It still answers what is asked on connections that it has, so it must not open with old
    secrets; HAProxy refuses to change the servers of such a worker.
    """
    return [*_closed_records(running, wanted), *_opened_records(running, wanted)]


def revoked(running: Running, wanted: Running) -> set[str]:
    """Notebooks whose connections must end: gone, moved, opened with other secrets by now, or
    found out of use."""
    return {
        id
        for id, server in running.servers.items()
        if server != wanted.servers.get(id)
        or _secrets(running.records.get(id, "")) != _secrets(wanted.records[id])
    }


def _closed_records(running: Running, wanted: Running) -> Iterator[str]:
    for id, record in running.records.items():
        if id not in wanted.records:
            yield f"del map {_MAP} {id}"
        elif id not in wanted.servers and record != wanted.records[id]:
            yield f"set map {_MAP} {id} {wanted.records[id]}"


def _servers(running: Running, wanted: Running) -> Iterator[str]:
    for id, server in wanted.servers.items():
        before = running.servers.get(id)
        if before is None:
            yield f"add server notebooks/{id} {server.endpoint} {SERVER_OPTIONS}"
            yield _back_into_use(id)
        elif before.endpoint != server.endpoint:
            yield f"set server notebooks/{id} addr {server.address} port {server.port}"


def _opened_records(running: Running, wanted: Running) -> Iterator[str]:
    for id, record in wanted.records.items():
        if id not in running.records:
            yield f"add map {_MAP} {id} {record}"
        elif id in wanted.servers and record != running.records[id]:
            yield f"set map {_MAP} {id} {record}"


def _back_into_use(id: str) -> str:
    return f"set server notebooks/{id} state ready"


def _secrets(record: str) -> str:
    return record.partition(":")[2]
