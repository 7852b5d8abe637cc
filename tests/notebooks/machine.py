"""A machine without an engine: its records, its handlers and its gateway's files are real."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from tests.notebooks.examples import NOW, a_notebook
from workbench import notebooks, scheduler, workspaces
from workbench.gateway import Gateway, NotebookRoute
from workbench.node import Node
from workbench.notebooks import access, records
from workbench.notebooks.records import Notebook
from workbench.parts import Parts
from workbench.runtime import Runtime
from workbench.settings import load
from workbench.storage import Storage
from workbench.store import Store
from workbench.store.vault import Vault
from workbench.telemetry import Live, events
from workbench.wire.call import Call, Caller
from workbench.workqueue import WorkQueue
from workbench.workspaces import Role, members, users

_MIGRATIONS = (events.MIGRATIONS, scheduler.MIGRATIONS, workspaces.MIGRATIONS, notebooks.MIGRATIONS)


class Machine:
    """A home with its owner, and a clock that stands still until the test moves it."""

    def __init__(self, folder: Path, **given: Any) -> None:
        self.time = NOW
        settings = load({"home": folder, **given}, {})
        store, vault = Store(settings.database), Vault(folder / "secret.key")
        store.migrate(_MIGRATIONS)
        with store.transaction() as db:
            first = workspaces.first_start(db, vault, "root", 0, 0, now=NOW)
        assert first is not None
        self.workspace_id = first.workspace_id
        key = first.key.access_key_id
        self.owner = Caller(user_id=first.user_id, name="root", owner=True, access_key_id=key)
        without_images: Any = None
        runtime = Runtime(f"unix://{folder}/no-engine.sock", "home")
        made: dict[str, Any] = {
            "settings": settings,
            "store": store,
            "vault": vault,
            "runtime": runtime,
            "node": Node({"home": folder}),
            "storage": Storage(settings),
            "gateway": Gateway(settings, runtime, without_images),
            "queue": WorkQueue(workers=1, resync_s=60),
            "live": Live(),
            "now": lambda: self.time,
        }
        self.parts = Parts(**(dict.fromkeys(each.name for each in fields(Parts)) | made))
        self._routes = {
            each.operation.action: each
            for each in (*workspaces.routes([notebooks.RESIDENTS]), *notebooks.ROUTES)
        }
        self.start_again()

    def start_again(self) -> None:
        """What the gateway hears when a daemon starts."""
        with self.parts.store.reading() as db:
            found = notebooks.everything(db)
        self.parts.gateway.sync([notebooks.route(self.parts.vault, each) for each in found])

    def wait(self, time: timedelta) -> None:
        """Let time pass."""
        self.time += time

    def now(self) -> datetime:
        """What the clock shows."""
        return self.time

    def ask(self, caller: Caller, action: str, **given: Any) -> Mapping[str, Any]:
        """The answer of an operation that answers with fields."""
        return cast(Mapping[str, Any], self.answer(caller, action, **given))

    def answer(self, caller: Caller, action: str, **given: Any) -> Any:
        """Whatever an operation answers with."""
        route = self._routes[action]
        call = Call(operation=route.operation, caller=caller, request_id="r", fields=given)
        return route.answer(self.parts, call)

    def join(self, name: str, uid: int, role: Role, workspace_id: str = "") -> Caller:
        """A new user, in a workspace with this role."""
        with self.parts.store.transaction() as db:
            user = users.add(db, name=name, unix_uid=uid, unix_gid=uid, now=self.time)
            members.enrol(db, workspace_id or self.workspace_id, user.user_id, [role], now=self.time)
        return Caller(user_id=user.user_id, name=name)

    def keep(self, **changes: Any) -> Notebook:
        """A notebook on record, with its secrets."""
        wanted = a_notebook(**{"workspace_id": self.workspace_id, "user_id": self.owner.user_id, **changes})
        notebook = access.with_new_secrets(self.parts.vault, wanted)
        with self.parts.store.transaction() as db:
            records.insert(db, notebook)
        self.parts.gateway.publish(notebooks.route(self.parts.vault, notebook))
        return notebook

    def count_as_running(self, notebook: Notebook, pool: str = "") -> None:
        """Have a notebook count as work that runs."""
        inventory = self.parts.node.inventory()
        with self.parts.store.transaction() as db:
            work = replace(notebooks.residents.work(notebook, inventory), pool=pool)
            workspaces.begin_work(db, work, installed=notebooks.residents.installed(inventory))

    def fill_the_disk(self) -> None:
        """From now on, the gateway's files cannot be written."""
        files = self.parts.settings.run / "gateway"
        shutil.rmtree(files)
        files.touch()

    def record(self, notebook_id: str = "dsw-1") -> Notebook:
        """A notebook as it is on record."""
        with self.parts.store.reading() as db:
            return records.get(db, notebook_id)

    def route(self, notebook_id: str = "dsw-1") -> NotebookRoute:
        """The way to it that the gateway knows."""
        route = self.parts.gateway.route(notebook_id)
        assert route is not None
        return route
