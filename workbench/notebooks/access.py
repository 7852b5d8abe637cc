"""How a notebook is reached, and what lets somebody in.

A notebook has three secrets. Jupyter's own token is the gateway's; who has a shell in the notebook
can read it too, so each start has another. The access token is for programs, sent with each request.
The cookie is for browsers, valid on the notebook's own origin only; a browser gets it in exchange for
a ticket, a link that works once, and only as long as what it was asked for with is good.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from workbench import workspaces
from workbench.errors import Unauthenticated, WorkbenchError
from workbench.gateway import NotebookRoute, Phase
from workbench.notebooks import records
from workbench.notebooks.records import Notebook, Status
from workbench.notebooks.session import PORT, base_path
from workbench.parts import Parts
from workbench.settings import Settings
from workbench.store.vault import Vault
from workbench.wire.call import Caller

TICKET_LASTS = timedelta(days=1)


class BadTicket(Unauthenticated):
    """A link was used before, is too old, or was never made."""

    code = "InvalidTicket"

    def __init__(self) -> None:
        super().__init__(
            "This link was used before or is no longer valid.",
            hint="`workbench notebook open NAME` prints a new one.",
        )


def with_new_secrets(vault: Vault, notebook: Notebook) -> Notebook:
    """A new notebook with its three secrets."""
    return replace(_with_new_locks(vault, notebook), jupyter_token=vault.seal(secrets.token_hex(32)))


def with_token_of_this_start(vault: Vault, notebook: Notebook) -> Notebook:
    """The notebook as it is to be started: no token that Jupyter had before opens it."""
    if notebook.token_generation == notebook.generation:
        return notebook
    token = vault.seal(secrets.token_hex(32))
    return replace(notebook, jupyter_token=token, token_generation=notebook.generation)


def route(vault: Vault, notebook: Notebook) -> NotebookRoute:
    """What the gateway has to know of the notebook as it is now."""
    match notebook.status:
        case Status.RUNNING if notebook.address:
            phase = Phase.READY
        case Status.STOPPING | Status.STOPPED | Status.FAILED | Status.DELETING:
            phase = Phase.STOPPED
        case _:
            phase = Phase.STARTING
    return NotebookRoute(
        id=notebook.id,
        phase=phase,
        address=notebook.address,
        port=PORT,
        jupyter_token=vault.open(notebook.jupyter_token),
        access_token=vault.open(notebook.access_token),
        cookie=vault.open(notebook.cookie),
        revision=notebook.revision,
    )


def lead(parts: Parts, notebook: Notebook) -> None:
    """Have the gateway lead to a notebook as it stood in this revision, unless a newer one is known there,
    and nowhere once it is off the record."""
    parts.gateway.publish(route(parts.vault, notebook))
    with parts.store.reading() as db:
        gone = records.find(db, notebook.id) is None
    if gone:  # whoever forgot it may have withdrawn the route before it came
        parts.gateway.withdraw(notebook.id)


def origin(settings: Settings, notebook_id: str) -> str:
    """The origin that a browser sees: the notebook's own, so that no script of another can reach in."""
    scheme = "https" if settings.tls else "http"
    return f"{scheme}://{notebook_id}.{settings.domain}:{settings.port}"


def browser_url(settings: Settings, notebook_id: str) -> str:
    """Where JupyterLab is, for who is already let in."""
    return f"{origin(settings, notebook_id)}{base_path(notebook_id)}lab"


def issue_ticket(db: Database, notebook_id: str, maker: Caller, now: datetime) -> str:
    """Make a ticket: good once, for a day, unless its maker is shut out before."""
    db.execute("DELETE FROM notebook_tickets WHERE expires_at <= ?", [now.isoformat()])
    ticket = secrets.token_urlsafe(32)
    expires_at = (now + TICKET_LASTS).isoformat()
    db.execute(
        "INSERT INTO notebook_tickets (digest, notebook_id, expires_at, user_id, access_key_id, token_id)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [_digest(ticket), notebook_id, expires_at, maker.user_id, maker.access_key_id, maker.token_id],
    )
    return ticket


def change_locks(db: Database, vault: Vault, notebook: Notebook) -> Notebook:
    """Let nobody in by a token, a cookie or a ticket of before; once the gateway knows, see `lead`."""
    db.execute("DELETE FROM notebook_tickets WHERE notebook_id = ?", [notebook.id])
    return records.save(db, _with_new_locks(vault, notebook))


def redeem_ticket(db: Database, notebook_id: str, ticket: str, now: datetime) -> None:
    """Use a ticket up.

    Raises:
        BadTicket: It does not let anybody in here, or not any more.
    """
    used = db.execute(
        "SELECT * FROM notebook_tickets WHERE digest = ? AND notebook_id = ? AND expires_at > ?",
        [_digest(ticket), notebook_id, now.isoformat()],
    ).fetchone()
    if used is None:
        raise BadTicket
    maker = Caller(
        user_id=used["user_id"], name="", access_key_id=used["access_key_id"], token_id=used["token_id"]
    )
    try:
        workspaces.recognise(db, maker, now)
    except WorkbenchError as error:
        raise BadTicket from error
    db.execute("DELETE FROM notebook_tickets WHERE digest = ?", [used["digest"]])


def _with_new_locks(vault: Vault, notebook: Notebook) -> Notebook:
    return replace(
        notebook,
        access_token=vault.seal(secrets.token_hex(32)),
        cookie=vault.seal(secrets.token_hex(32)),
    )


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
