"""What a notebook's container is given, and what nobody may read in `docker inspect`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks.examples import a_notebook
from workbench.notebooks import access, session
from workbench.notebooks.records import Notebook
from workbench.runtime import PodPlan
from workbench.runtime.containers import create_request
from workbench.scheduler import Grant
from workbench.settings import load
from workbench.storage import MountContext
from workbench.store.vault import Vault

ALICE = MountContext(workspace_id="1", user="alice", uid=1234, gid=1235, groups=(60001,))


def plan(notebook: Notebook, **settings: Any) -> PodPlan:
    return session.plan(
        notebook,
        image="sha256:1",
        user_name="alice",
        context=ALICE,
        grant=Grant(),
        gpus=(),
        binds=(),
        network="workspace-1",
        settings=load(settings, {}),
    )


def test_no_secret_is_in_environment_labels_or_command(vault: Vault) -> None:
    notebook = access.with_new_secrets(vault, a_notebook(on_start="echo hello"))
    route = access.route(vault, notebook)

    seen = repr(create_request(plan(notebook), "home"))

    for secret in (route.jupyter_token, route.access_token, route.cookie):
        assert secret not in seen
    for sealed in (notebook.jupyter_token, notebook.access_token, notebook.cookie):
        assert sealed not in seen


def test_the_session_runs_as_its_owner_with_the_size_that_was_asked_for() -> None:
    made = plan(a_notebook(generation=3), pids_limit=77)

    assert (made.user, made.groups) == ("1234:1235", ("60001",))
    assert (made.cpus, made.memory_bytes, made.shm_bytes) == (2, 4 * 2**30, 2 * 2**30)
    assert (made.generation, made.pids, made.network) == (3, 77, "workspace-1")


def test_the_owners_variables_are_there_and_change_none_of_ours() -> None:
    environment = plan(
        a_notebook(environment={"COLOUR": "blue", "LANG": "de_DE", "REGION": "moon"})
    ).environment

    assert (environment["COLOUR"], environment["LANG"], environment["REGION"]) == ("blue", "de_DE", "local")


def test_proxy_index_and_certificates_reach_pip_and_not_pais_sdk(tmp_path: Any) -> None:
    made = plan(
        a_notebook(), https_proxy="http://proxy:1", pip_index_url="http://index", ca_bundle="/etc/ca.crt"
    )

    assert made.environment["PIP_PROXY"] == "http://proxy:1"
    assert made.environment["PIP_INDEX_URL"] == "http://index"
    assert not {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"} & made.environment.keys()
    assert [(bind.source, bind.read_only) for bind in made.binds] == [("/etc/ca.crt", True)]
    assert made.environment["SSL_CERT_FILE"] == made.binds[0].target


@pytest.mark.parametrize("on_start", ["", "exit 3"])
def test_a_start_script_runs_before_jupyter_and_cannot_keep_it_from_starting(on_start: str) -> None:
    command = plan(a_notebook(on_start=on_start)).command

    assert "jupyter" in command
    assert f"--ServerApp.base_url={session.base_path('dsw-1')}" in command
    assert on_start not in command or not on_start
    assert session.session_files(a_notebook(on_start=on_start), "t").get("on-start.sh", "") == on_start


def test_what_a_session_writes_where_its_group_may_the_group_may_change(tmp_path: Path) -> None:
    jupyter = tmp_path / "jupyter"
    jupyter.write_text("#!/bin/sh\numask\n")
    jupyter.chmod(0o755)

    ran = subprocess.run(
        plan(a_notebook()).command, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, check=True
    )

    assert int(ran.stdout, 8) == 0o002
