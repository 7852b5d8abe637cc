"""What can be asked: every operation of PAI's services and of our own, as values.

The facts stand in `operations/<service>.json`, read when a service is first asked for, so
that a command pays for what it uses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

SERVICES: Mapping[str, str] = {
    "dlc": "2020-12-03",
    "eas": "2021-07-01",
    "aiworkspace": "2021-02-04",
    "dsw": "2022-01-01",
    "paiflow": "2021-02-02",
    "paistudio": "2022-01-12",
    "pai": "2024-05-21",
    "openitag": "2022-06-16",
    "workbench": "v1",
}
"""Service and the version that its requests carry in `x-acs-version`; ours carry none."""


@dataclass(frozen=True)
class Operation:
    """One operation. Fields are names and types as in the service's table: `string`, `integer`,
    `boolean`, `number`, `any`, `map<string>`, `[Model]`, `Model`, with ` as json string` behind
    what travels as JSON inside one value and ` as simple string` behind a list joined by commas.

    `raw_body` is the type of a body that is one value as a whole, empty where there is none.
    A body is JSON, or a form where `form` is true.
    """

    service: str
    version: str
    action: str
    verb: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)
    response: Mapping[str, str] = field(default_factory=dict)
    raw_body: str = ""
    form: bool = False


def operation(service: str, action: str) -> Operation:
    """The operation of this name.

    Raises:
        KeyError: There is none; a mistake in our own code.
    """
    return operations(service)[action]


@cache
def operations(service: str) -> Mapping[str, Operation]:
    """All operations of a service, by name."""
    table = _table(service)["operations"]
    structures = models(service)
    return {
        action: Operation(
            service=service,
            version=SERVICES[service],
            action=action,
            verb=facts["verb"],
            path=facts["path"],
            query=facts.get("query", {}),
            body=facts.get("body", {}),
            response=structures[answer] if isinstance(answer := facts["response"], str) else answer,
            raw_body=facts.get("raw_body", ""),
            form=facts.get("req_body_type") == "formData",
        )
        for action, facts in table.items()
    }


def models(service: str) -> Mapping[str, Mapping[str, str]]:
    """The structures that a service's fields name, by name."""
    found: Mapping[str, Mapping[str, str]] = _table(service).get("models", {})
    return found


@cache
def _table(service: str) -> Mapping[str, Mapping[str, Any]]:
    text = (Path(__file__).parent / "operations" / f"{service}.json").read_text(encoding="utf-8")
    table: Mapping[str, Mapping[str, Any]] = json.loads(text)
    return table
