"""`workbench env`: how other programs connect."""

from __future__ import annotations

import shlex

import click

from workbench.cli.output import print_json
from workbench.cli.session import Session, pass_session
from workbench.wire.operations import operation

_KEYS = {
    "endpoint": ("Endpoint", ["WORKBENCH_ENDPOINT"]),
    "access_key_id": ("AccessKeyId", ["WORKBENCH_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_ID"]),
    "access_key_secret": (
        "AccessKeySecret",
        ["WORKBENCH_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
    ),
    "workspace_id": ("WorkspaceId", ["WORKBENCH_WORKSPACE_ID"]),
    "home": ("Home", ["WORKBENCH_HOME"]),
}


@click.command()
@click.option("--format", "form", type=click.Choice(["shell", "json"]), default="shell", show_default=True)
@pass_session
def env(session: Session, form: str) -> None:
    """Print endpoint, access key and workspace.

    In a shell: eval "$(workbench env)". The official SDKs find their key in it too; their
    endpoint is given in code.
    """
    answer = session.client.call(operation("workbench", "GetConnection"))
    if form == "json":
        print_json({key: answer[field] for key, (field, _) in _KEYS.items()})
        return
    for field, variables in _KEYS.values():
        for variable in variables:
            click.echo(f"export {variable}={shlex.quote(str(answer[field]))}")
