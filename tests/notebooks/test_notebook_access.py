"""Who is let in: three secrets, and tickets that work once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.notebooks.examples import NOW, a_notebook
from workbench.gateway import Phase
from workbench.notebooks import access
from workbench.notebooks.access import BadTicket
from workbench.notebooks.records import Status
from workbench.store import Store
from workbench.store.vault import Vault


def test_a_ticket_lets_in_once(store: Store) -> None:
    with store.transaction() as db:
        ticket = access.issue_ticket(db, "dsw-1", NOW)
        access.redeem_ticket(db, "dsw-1", ticket, NOW)

        with pytest.raises(BadTicket):
            access.redeem_ticket(db, "dsw-1", ticket, NOW)


def test_a_ticket_of_another_notebook_an_old_one_and_a_guess_let_nobody_in(store: Store) -> None:
    with store.transaction() as db:
        ticket = access.issue_ticket(db, "dsw-1", NOW)

        for notebook_id, shown, at in (
            ("dsw-2", ticket, NOW),
            ("dsw-1", ticket, NOW + access.TICKET_LASTS),
            ("dsw-1", "guess", NOW),
            ("dsw-1", "", NOW),
        ):
            with pytest.raises(BadTicket):
                access.redeem_ticket(db, notebook_id, shown, at)
        access.redeem_ticket(db, "dsw-1", ticket, NOW + timedelta(hours=23))


def test_tickets_cannot_be_read_from_the_database_and_old_ones_do_not_pile_up(store: Store) -> None:
    with store.transaction() as db:
        ticket = access.issue_ticket(db, "dsw-1", NOW)
        later = access.issue_ticket(db, "dsw-1", NOW + 2 * access.TICKET_LASTS)

        kept = [tuple(row) for row in db.execute("SELECT * FROM notebook_tickets")]

    assert len(kept) == 1
    assert ticket not in repr(kept)
    assert later not in repr(kept)


def test_the_three_secrets_differ_are_sealed_and_change_all_together(vault: Vault) -> None:
    first = access.with_new_secrets(vault, a_notebook())
    second = access.with_new_secrets(vault, first)

    routes = [access.route(vault, each) for each in (first, second)]
    secrets = [secret for each in routes for secret in (each.jupyter_token, each.access_token, each.cookie)]
    assert len(set(secrets)) == 6
    assert not any(secret in repr(first) + repr(second) for secret in secrets)


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        (Status.CREATING, Phase.STARTING),
        (Status.QUEUING, Phase.STARTING),
        (Status.RECOVERING, Phase.STARTING),
        (Status.RUNNING, Phase.READY),
        (Status.STOPPING, Phase.STOPPED),
        (Status.FAILED, Phase.STOPPED),
        (Status.DELETING, Phase.STOPPED),
    ],
)
def test_only_a_running_notebook_is_reached(vault: Vault, status: Status, phase: Phase) -> None:
    notebook = access.with_new_secrets(vault, a_notebook(status=status, address="172.18.0.2"))

    route = access.route(vault, notebook)

    assert route.phase is phase
    assert (route.server is not None) == (status is Status.RUNNING)
