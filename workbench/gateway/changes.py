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
    """The commands that lead from one to the other.

    In an order that never opens too much: first what is no longer allowed ends, the record
    before the connections; a record that opens something comes when its server is there; and
    last end the connections that were made with secrets of before.
    """
    return [
        *_closed_records(running, wanted),
        *_servers(running, wanted),
        *_opened_records(running, wanted),
        *_revoked_connections(running, wanted),
    ]


def _closed_records(running: Running, wanted: Running) -> Iterator[str]:
    for id, record in running.records.items():
        if id not in wanted.records:
            yield f"del map {_MAP} {id}"
        elif id not in wanted.servers and record != wanted.records[id]:
            yield f"set map {_MAP} {id} {wanted.records[id]}"


def _servers(running: Running, wanted: Running) -> Iterator[str]:
    for id in running.servers.keys() - wanted.servers.keys():
        yield f"set server notebooks/{id} state maint"
        yield f"shutdown sessions server notebooks/{id}"
        yield f"del server notebooks/{id}"
    for id, server in wanted.servers.items():
        before = running.servers.get(id)
        if before is None:
            yield f"add server notebooks/{id} {server.endpoint} {SERVER_OPTIONS}"
            yield f"enable server notebooks/{id}"
            continue
        if (before.address, before.port) != (server.address, server.port):
            yield f"set server notebooks/{id} addr {server.address} port {server.port}"
            yield f"shutdown sessions server notebooks/{id}"
        if not before.in_use:
            yield f"set server notebooks/{id} state ready"


def _opened_records(running: Running, wanted: Running) -> Iterator[str]:
    for id, record in wanted.records.items():
        if id not in running.records:
            yield f"add map {_MAP} {id} {record}"
        elif id in wanted.servers and record != running.records[id]:
            yield f"set map {_MAP} {id} {record}"


def _revoked_connections(running: Running, wanted: Running) -> Iterator[str]:
    for id in wanted.servers.keys() & running.servers.keys() & running.records.keys():
        if _secrets(wanted.records[id]) != _secrets(running.records[id]):
            yield f"shutdown sessions server notebooks/{id}"


def _secrets(record: str) -> str:
    return record.partition(":")[2]
