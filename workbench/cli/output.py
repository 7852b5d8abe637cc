"""What a command shows: results on stdout, everything else on stderr.

A pipe thus carries only data. On a terminal a table fits its width and progress is a line
that changes; elsewhere a row is a line, and so is each step of progress.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

as_json = click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
"""The option of every command that prints data."""


def print_json(value: Any) -> None:
    """Print data for a program."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=dict))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows for a reader."""
    if not sys.stdout.isatty():
        _print_columns([columns, *rows])
        return
    from rich.console import Console  # noqa: PLC0415 (costs more than all the rest of a command)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values, leaving out what is empty."""
    shown = [(name, value) for name, value in facts if value]
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        click.echo(f"{name:<{width}}  {value}")


def say(text: str) -> None:
    """Tell the reader something that is not the result."""
    click.echo(text, err=True)


@contextmanager
def progress(title: str) -> Iterator[Callable[[str], None]]:
    """Show how something goes on; what is yielded takes the newest step, whose first line is shown."""
    if sys.stderr.isatty():
        from rich.console import Console  # noqa: PLC0415
        from rich.markup import escape  # noqa: PLC0415

        with Console(stderr=True).status(title) as status:
            yield lambda step: status.update(escape(_line(title, step)))
        return
    last = ""

    def show(step: str) -> None:
        nonlocal last
        line = _line(title, step)
        if line != last:
            say(line)
        last = line

    yield show


def _line(title: str, step: str) -> str:
    first, _, _ = step.partition("\n")
    return f"{title}: {first}"


def _print_columns(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
