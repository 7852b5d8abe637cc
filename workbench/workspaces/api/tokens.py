"""Bearer tokens on the wire. A user manages their own; the machine's owner everybody's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.parts import Parts
from workbench.wire.call import Call
from workbench.wire.paging import page
from workbench.wire.times import to_wire
from workbench.workspaces import tokens, users
from workbench.workspaces.authorization import MachineOwnerOnly, require_on_machine
from workbench.workspaces.tokens import Token, TokenNotFound


def list_(parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListTokens: one's own, unless the machine's owner asks for others'."""
    wanted = page(call.fields, size=100)
    user_id = call.fields.get("UserId", "" if call.caller.owner else call.caller.user_id)
    require_on_machine(call.caller, call.operation.action, user_id)
    with parts.store.reading() as db:
        found, total = tokens.search(db, page=wanted, user_id=user_id)
    return {"Tokens": [_view(each) for each in found], "TotalCount": total}


def create(parts: Parts, call: Call) -> Mapping[str, Any]:
    """CreateToken; the answer is the only time the token is shown. With a token, it is one that ends
    no later."""
    user_id = call.fields.get("UserId", call.caller.user_id)
    require_on_machine(call.caller, call.operation.action, user_id)
    with parts.store.transaction() as db:
        token, secret = tokens.create(
            db,
            users.get(db, user_id).user_id,
            now=parts.now(),
            description=call.fields.get("Description", ""),
            life_hours=call.fields.get("LifeInHours"),
            made_with=call.caller.token_id or None,
        )
    return {**_view(token), "Token": secret}


def delete(parts: Parts, call: Call) -> Mapping[str, Any]:
    """DeleteToken, and whatever was made with it."""
    with parts.store.transaction() as db:
        token = tokens.get(db, call.fields["token_id"])
        try:
            require_on_machine(call.caller, call.operation.action, token.user_id)
        except MachineOwnerOnly:
            raise TokenNotFound(token.token_id) from None  # others' tokens are private
        tokens.delete(db, token.token_id)
    return {}


def _view(token: Token) -> dict[str, Any]:
    return {
        "TokenId": token.token_id,
        "UserId": token.user_id,
        "Description": token.description,
        "GmtCreateTime": to_wire(token.created_at),
        "GmtExpireTime": to_wire(token.expires_at),
        "GmtLastUseTime": to_wire(token.last_used_at) if token.last_used_at else "",
    }
