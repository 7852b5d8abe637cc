"""A workspace's settings on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlite_utils import Database

from workbench.errors import InvalidInput
from workbench.parts import Parts
from workbench.wire import lists
from workbench.wire.answers import declared
from workbench.wire.call import Call
from workbench.wire.times import to_wire
from workbench.workspaces import configs
from workbench.workspaces.authorization import require
from workbench.workspaces.configs import Config, ConfigNotFound


def list_(parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListConfigs."""
    with parts.store.reading() as db:
        found = configs.search(
            db,
            _permitted(db, call),
            keys=lists.parts(call.fields.get("ConfigKeys", "")),
            category=call.fields.get("CategoryName", ""),
            labels=_asked_labels(call.fields.get("Labels", "")),
        )
    return {"Configs": [_view(each) for each in found], "TotalCount": len(found)}


def get(parts: Parts, call: Call) -> Mapping[str, Any]:
    """GetConfig."""
    key, category = call.fields.get("ConfigKey", ""), call.fields.get("CategoryName", "")
    with parts.store.reading() as db:
        workspace_id = _permitted(db, call)
        found = [each for each in configs.search(db, workspace_id, keys=[key]) if each.category == category]
    if not found:
        raise ConfigNotFound(key)
    return {
        **declared(call.operation, _view(found[0])),
        "CategoryName": category,
        "WorkspaceId": workspace_id,
    }


def update_several(parts: Parts, call: Call) -> Mapping[str, Any]:
    """UpdateConfigs: all or none."""
    with parts.store.transaction() as db:
        workspace_id = _permitted(db, call)
        for each in call.fields.get("Configs", []):
            _save(parts, db, workspace_id, each)
    return {}


def update(parts: Parts, call: Call) -> Mapping[str, Any]:
    """UpdateConfig."""
    with parts.store.transaction() as db:
        _save(parts, db, _permitted(db, call), call.fields)
    return {}


def delete(parts: Parts, call: Call) -> Mapping[str, Any]:
    """DeleteConfig, if it has all of the labels that are named."""
    with parts.store.transaction() as db:
        configs.remove(
            db,
            _permitted(db, call),
            key=call.fields["config_key"],
            category=call.fields.get("CategoryName", ""),
            labels=_asked_labels(call.fields.get("Labels", "")),
        )
    return {}


def _permitted(db: Database, call: Call) -> str:
    workspace_id: str = call.fields["workspace_id"]
    require(db, call.caller, workspace_id, call.operation.action)
    return workspace_id


def _save(parts: Parts, db: Database, workspace_id: str, wanted: Mapping[str, Any]) -> None:
    configs.save(
        db,
        workspace_id,
        key=wanted.get("ConfigKey", ""),
        value=wanted.get("ConfigValue"),
        category=wanted.get("CategoryName", ""),
        labels=_labels(wanted["Labels"]) if "Labels" in wanted else None,
        now=parts.now(),
    )


def _labels(pairs: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {pair.get("Key", ""): pair.get("Value", "") for pair in pairs}


def _asked_labels(text: str) -> dict[str, str]:
    """Labels of a query: `key=value,key=value`."""
    labels = {
        key.strip(): value.strip() for key, _, value in (pair.partition("=") for pair in lists.parts(text))
    }
    if "" in labels:
        raise InvalidInput(f"Labels is {text!r}; one like key=value,key=value is wanted.")
    return labels


def _view(config: Config) -> dict[str, Any]:
    return {
        "ConfigId": f"{config.category}/{config.key}" if config.category else config.key,
        "ConfigKey": config.key,
        "ConfigValue": config.value,
        "Labels": [{"Key": key, "Value": value} for key, value in config.labels.items()],
        "GmtCreateTime": to_wire(config.created_at, milliseconds=True),
        "GmtModifiedTime": to_wire(config.modified_at, milliseconds=True),
    }
