"""Our tables say what the official clients send: every method of theirs is called once."""

from __future__ import annotations

import inspect
import json
import typing
from typing import Any
from urllib.parse import parse_qsl

import pytest
from alibabacloud_aiworkspace20210204.client import Client as WorkspaceClient
from alibabacloud_pai_dsw20220101.client import Client as DswClient
from darabonba.model import DaraModel
from darabonba.runtime import RuntimeOptions

from workbench.api.routing import find_operation
from workbench.wire.fields import read_fields
from workbench.wire.operations import operation, operations

CLIENTS = {"dsw": DswClient, "aiworkspace": WorkspaceClient}

METHODS = [
    (service, name)
    for service, client in CLIENTS.items()
    for name in dir(client)
    if name.endswith("_with_options")
]

SAMPLES: dict[Any, Any] = {str: "some text/ü", int: 7, bool: True, float: 1.5, Any: {"any": "thing"}}


def sample(kind: Any, depth: int = 0) -> Any:
    """A value of a client's type, with every field of every structure set."""
    if kind in SAMPLES:
        return SAMPLES[kind]
    match typing.get_origin(kind):
        case None if issubclass(kind, DaraModel):
            hints = typing.get_type_hints(kind.__init__)
            hints.pop("return", None)
            deep = depth > 4  # some structures hold themselves
            return kind(**{} if deep else {name: sample(each, depth + 1) for name, each in hints.items()})
        case origin if origin is list:
            return [sample(typing.get_args(kind)[0], depth)]
        case _:
            return {"key": sample((*typing.get_args(kind), Any)[1], depth)}


def call(client: Any, name: str) -> dict[str, Any]:
    """Call a method with everything set; returns its path arguments."""
    method = getattr(client, name)
    hints = typing.get_type_hints(method)
    names = list(inspect.signature(method).parameters)[:-2]  # headers and runtime options come last
    given = {each: sample(hints[each]) for each in names}
    method(**given, headers={}, runtime=RuntimeOptions())
    return {each: value for each, value in given.items() if isinstance(value, str)}


@pytest.mark.parametrize(("service", "name"), METHODS)
def test_our_table_says_what_the_official_client_sends(catcher, service: str, name: str) -> None:
    arguments = call(catcher.client(CLIENTS[service]), name)
    sent = catcher.last

    declared = operation(service, sent.headers["x-acs-action"])
    found = find_operation(sent.verb, sent.raw_path, sent.headers["x-acs-version"])
    assert found.operation == declared
    assert sorted(found.arguments.values()) == sorted(arguments.values())

    in_query = {each for each, _ in parse_qsl(sent.query)}
    in_body = json.loads(sent.body) if sent.body else {}
    assert in_query == set(declared.query)
    assert set(in_body) == set(declared.body)

    fields = read_fields(declared, found.arguments, query=sent.query, body=sent.body)
    assert set(fields) == in_query | set(in_body) | set(found.arguments)


@pytest.mark.parametrize("service", CLIENTS)
def test_our_table_has_no_operation_that_the_official_client_lacks(service: str) -> None:
    methods = {name.removesuffix("_with_options").replace("_", "") for name in dir(CLIENTS[service])}

    assert {action.lower() for action in operations(service)} <= methods
