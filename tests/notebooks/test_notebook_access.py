"""Who is let in: three secrets, and tickets that work once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.notebooks.examples import NOW, a_notebook
from tests.notebooks.machine import Machine
from workbench.errors import Forbidden
from workbench.gateway import Phase
from workbench.notebooks import access, rules
from workbench.notebooks.access import BadTicket
from workbench.notebooks.records import Status, Wanted
from workbench.store.vault import Vault
from workbench.wire.call import Caller
from workbench.workspaces import Role


def test_a_ticket_lets_in_once(machine: Machine) -> None:
    with machine.parts.store.transaction() as db:
        ticket = access.issue_ticket(db, "dsw-1", machine.owner, NOW)
        access.redeem_ticket(db, "dsw-1", ticket, NOW)

        with pytest.raises(BadTicket):
            access.redeem_ticket(db, "dsw-1", ticket, NOW)


def test_a_ticket_of_another_notebook_an_old_one_and_a_guess_let_nobody_in(machine: Machine) -> None:
    with machine.parts.store.transaction() as db:
        ticket = access.issue_ticket(db, "dsw-1", machine.owner, NOW)

        for notebook_id, shown, at in (
            ("dsw-2", ticket, NOW),
            ("dsw-1", ticket, NOW + access.TICKET_LASTS),
            ("dsw-1", "guess", NOW),
            ("dsw-1", "", NOW),
        ):
            with pytest.raises(BadTicket):
                access.redeem_ticket(db, notebook_id, shown, at)
        access.redeem_ticket(db, "dsw-1", ticket, NOW + timedelta(hours=23))


def test_tickets_cannot_be_read_from_the_database_and_old_ones_do_not_pile_up(machine: Machine) -> None:
    with machine.parts.store.transaction() as db:
        ticket = access.issue_ticket(db, "dsw-1", machine.owner, NOW)
        later = access.issue_ticket(db, "dsw-1", machine.owner, NOW + 2 * access.TICKET_LASTS)

        kept = [tuple(row) for row in db.execute("SELECT * FROM notebook_tickets")]

    assert len(kept) == 1
    assert ticket not in repr(kept)
    assert later not in repr(kept)


def test_old_tickets_are_found_without_a_look_at_all(machine: Machine) -> None:
    with machine.parts.store.reading() as db:
        steps = db.execute("EXPLAIN QUERY PLAN DELETE FROM notebook_tickets WHERE expires_at <= ?", [""])

        assert [step["detail"].split()[0] for step in steps] == ["SEARCH"]


def delete_the_key(machine: Machine, maker: Caller) -> None:
    machine.ask(machine.owner, "DeleteAccessKey", access_key_id=maker.access_key_id)


def disable_the_key(machine: Machine, maker: Caller) -> None:
    machine.ask(machine.owner, "UpdateAccessKey", access_key_id=maker.access_key_id, Enabled=False)


def delete_the_token(machine: Machine, maker: Caller) -> None:
    machine.ask(machine.owner, "DeleteToken", token_id=maker.token_id)


def outlive_the_token(machine: Machine, maker: Caller) -> None:
    machine.wait(timedelta(hours=3))


def disable_the_user(machine: Machine, maker: Caller) -> None:
    machine.ask(machine.owner, "UpdateUser", user_id=maker.user_id, Enabled=False)


@pytest.mark.parametrize(
    "end", [delete_the_key, disable_the_key, delete_the_token, outlive_the_token, disable_the_user]
)
def test_a_ticket_ends_with_what_it_was_asked_for_with(
    machine: Machine, end: Callable[[Machine, Caller], None]
) -> None:
    ada = machine.join("ada", 2001, Role.ADMIN)
    key = machine.ask(ada, "CreateAccessKey")["AccessKeyId"]
    token = machine.ask(ada, "CreateToken", LifeInHours=2)["TokenId"]
    maker = replace(ada, access_key_id=key, token_id=token)
    machine.keep()
    links = [machine.ask(maker, "CreateNotebookTicket", instance_id="dsw-1")["Url"] for _ in range(2)]
    used, unused = [link.partition("ticket=")[2] for link in links]
    machine.answer(machine.owner, "EnterNotebook", instance_id="dsw-1", ticket=used)

    end(machine, maker)

    with pytest.raises(BadTicket):
        machine.answer(machine.owner, "EnterNotebook", instance_id="dsw-1", ticket=unused)


def test_its_owner_makes_all_that_was_handed_out_for_a_notebook_worthless(machine: Machine) -> None:
    ada = machine.join("ada", 2001, Role.DEVELOPER)
    machine.keep(user_id=ada.user_id, status=Status.RUNNING, address="172.18.0.2")
    link = machine.ask(ada, "CreateNotebookTicket", instance_id="dsw-1")["Url"]
    before, token = machine.route(), machine.ask(ada, "GetToken", InstanceId="dsw-1")["Token"]

    machine.ask(ada, "RevokeNotebookAccess", instance_id="dsw-1")

    now = machine.route()
    assert {before.cookie, before.access_token}.isdisjoint({now.cookie, now.access_token})
    assert machine.ask(ada, "GetToken", InstanceId="dsw-1")["Token"] == now.access_token != token
    with pytest.raises(BadTicket):
        ticket = link.partition("ticket=")[2]
        machine.answer(ada, "EnterNotebook", instance_id="dsw-1", ticket=ticket)


def test_another_member_revokes_nothing(machine: Machine) -> None:
    machine.keep(accessibility="PUBLIC")
    ada = machine.join("ada", 2001, Role.DEVELOPER)

    with pytest.raises(Forbidden):
        machine.ask(ada, "RevokeNotebookAccess", instance_id="dsw-1")


def test_the_three_secrets_differ_are_sealed_and_change_all_together(vault: Vault) -> None:
    first = access.with_new_secrets(vault, a_notebook())
    second = access.with_new_secrets(vault, first)

    routes = [access.route(vault, each) for each in (first, second)]
    secrets = [secret for each in routes for secret in (each.jupyter_token, each.access_token, each.cookie)]
    assert len(set(secrets)) == 6
    assert not any(secret in repr(first) + repr(second) for secret in secrets)


def test_each_start_has_one_token_of_its_own(vault: Vault) -> None:
    first = access.with_new_secrets(vault, a_notebook())
    again = rules.start(replace(first, wanted=Wanted.STOPPED, status=Status.STOPPED), NOW)
    second = access.with_token_of_this_start(vault, again)

    assert access.with_token_of_this_start(vault, first) == first
    assert access.with_token_of_this_start(vault, second) == second
    assert vault.open(second.jupyter_token) != vault.open(first.jupyter_token)
    assert (second.access_token, second.cookie) == (first.access_token, first.cookie)


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
