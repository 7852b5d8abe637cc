"""PAI's official DSW client, with every answer looked at before the client drops what it does not know."""

from __future__ import annotations

import json
from typing import Any

from alibabacloud_pai_dsw20220101.client import Client as DswClient
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.runtime import RuntimeOptions

from tests.installation import Installation
from workbench.wire.declared import undeclared
from workbench.wire.operations import operation


class CheckingClient(DswClient):
    """Fails for an answer that says what its operation does not declare."""

    def call_api(self, params: Any, request: Any, runtime: RuntimeOptions) -> dict[str, Any]:
        answer: dict[str, Any] = super().call_api(params, request, runtime)
        assert undeclared(operation("dsw", params.action), answer["body"]) == []
        return answer


def official_client(installation: Installation, **config: str) -> CheckingClient:
    """The client with what `workbench env` says, or with something else where a test says so."""
    said = json.loads(installation.run("env", "--format", "json").stdout)
    keys = {name: said[name] for name in ("endpoint", "access_key_id", "access_key_secret")}
    return CheckingClient(Config(protocol="http", region_id="local", **{**keys, **config}))
