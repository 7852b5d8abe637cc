"""`workbench completion`: what a shell needs to complete our commands and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from workbench.cli.root import workbench


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    For bash: put source <(workbench completion bash) into ~/.bashrc.
    """
    form = get_completion_class(shell)
    if form is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    click.echo(form(workbench, {}, "workbench", "_WORKBENCH_COMPLETE").source())
