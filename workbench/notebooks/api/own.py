"""What PAI has no operation for: a notebook's log, a shell in it, and the link that opens it in a browser."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from workbench.notebooks import access, logs, records, shell
from workbench.notebooks.api.instances import permitted
from workbench.notebooks.session import base_path
from workbench.parts import Parts, Route
from workbench.wire.call import Call, Dialogue, Redirect, Stream
from workbench.wire.operations import operation
from workbench.wire.times import to_wire

COOKIE = "workbench-session"
_LINES = 200


def follow_log(parts: Parts, call: Call) -> Stream:
    """GetNotebookLogs: `{"Time", "Stream", "Text"}` a line."""
    with parts.store.reading() as db:
        notebook = permitted(db, call)
    tail = call.fields.get("Tail", _LINES)
    return Stream(
        logs.lines(
            parts,
            notebook.id,
            tail=tail if tail >= 0 else None,
            follow=call.fields.get("Follow", False),
        ),
        allowed=partial(_expect_permission, parts, call),
    )


def open_shell(parts: Parts, call: Call) -> Dialogue:
    """OpenNotebookShell: a program in the notebook, a login shell unless another is named."""
    with parts.store.reading() as db:
        notebook = permitted(db, call)
    plan = shell.plan(call.fields)
    return Dialogue(
        partial(shell.begin, parts, notebook, plan), allowed=partial(_expect_permission, parts, call)
    )


def _expect_permission(parts: Parts, call: Call) -> None:
    with parts.store.reading() as db:
        permitted(db, call)


def create_ticket(parts: Parts, call: Call) -> Mapping[str, Any]:
    """CreateNotebookTicket: a link that lets one browser in, once."""
    now = parts.now()
    with parts.store.transaction() as db:
        notebook = permitted(db, call)
        ticket = access.issue_ticket(db, notebook.id, call.caller, now)
    return {
        "Url": f"{access.browser_url(parts.settings, notebook.id)}?ticket={ticket}",
        "ExpiresAt": to_wire(now + access.TICKET_LASTS),
    }


def revoke_access(parts: Parts, call: Call) -> Mapping[str, Any]:
    """RevokeNotebookAccess: every link, cookie and token that was handed out for it is worthless, and who
    is in by one is out."""
    with parts.store.transaction() as db:
        changed = access.change_locks(db, parts.vault, permitted(db, call))
    access.lead(parts, changed)
    return {}


def enter(parts: Parts, call: Call) -> Redirect:
    """EnterNotebook: a browser comes with a ticket, sent here by the gateway, and leaves with a cookie
    that is good on the notebook's own origin and nowhere else."""
    notebook_id = call.fields["instance_id"]
    with parts.store.transaction() as db:
        access.redeem_ticket(db, notebook_id, call.fields.get("ticket", ""), parts.now())
        # Who changes the locks before this makes the ticket worthless, and who does after it the cookie.
        notebook = records.find(db, notebook_id)
    cookie = parts.vault.open(notebook.cookie) if notebook else _dashboard_cookie(parts, notebook_id)
    return Redirect(
        location=f"{base_path(notebook_id)}lab",
        cookie=f"{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Lax{'; Secure' * parts.settings.tls}",
    )


def _dashboard_cookie(parts: Parts, dashboard_id: str) -> str:
    """That of a user's dashboard, which nothing is recorded of."""
    route = parts.gateway.route(dashboard_id)
    if route is None:
        raise access.BadTicket
    return route.cookie


ROUTES = (
    Route(operation("workbench", "GetNotebookLogs"), follow_log),
    Route(operation("workbench", "OpenNotebookShell"), open_shell, talks=True),
    Route(operation("workbench", "CreateNotebookTicket"), create_ticket),
    Route(operation("workbench", "RevokeNotebookAccess"), revoke_access),
    Route(operation("workbench", "EnterNotebook"), enter, open=True),
)
