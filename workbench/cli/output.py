"""What a command shows: results on stdout, everything else on stderr.

A pipe thus carries only data. On a terminal a table fits its width and progress is a line
that changes; elsewhere a row is a line, and so is each step of progress.

What is shown was often written by another user: characters that would move the cursor, ask the
terminal for something or turn the text around are spelt, as `\\x1b`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

as_json = click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
"""The option of every command that prints data."""


_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_UNSAFE = re.compile(f"[{_CONTROLS}]")
_UNSAFE_IN_TEXT = re.compile(f"(?![\\n\\t])[{_CONTROLS}]")
_UNSAFE_IN_LOG = re.compile(rf"(\x1b\[[\d;:]*[mKABCDG]|[\t\r\b])|[{_CONTROLS}]")
"""What may pass is colour, and how a progress bar goes back in its line and to those of its neighbours."""


_BETWEEN = 2
_NARROWEST = 10
"""Columns of the terminal that a column has at least whose text takes lines."""


def print_json(value: Any) -> None:
    """Print data for a program."""
    click.echo(json_text(value, indent=2))


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Data for a program, in letters that do nothing to a terminal."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=dict)
    return _UNSAFE_IN_TEXT.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def visible(text: str) -> str:
    """A line of somebody's text, with every character that would not be seen spelt."""
    return _UNSAFE.sub(_spelt, text)


def visible_log(line: str) -> str:
    """A line of a log for a terminal: with its colours, without power over the terminal."""
    return _UNSAFE_IN_LOG.sub(lambda found: found[1] or _spelt(found), line)


def print_table(
    columns: Sequence[str], given: Iterable[Sequence[str]], *, wrapping: Sequence[str] = ()
) -> None:
    """Print rows for a reader; on a terminal the last column takes the lines that it needs.

    All others stay whole, so that an id, a name or a time can be copied: where they alone are wider than
    the terminal, so is the table.

    Args:
        wrapping: Columns that may take lines as the last one may.
    """
    rows = list(given)
    if not sys.stdout.isatty():
        _print_columns([columns, *rows])
        return
    from rich.cells import cell_len  # noqa: PLC0415 (costs more than all the rest of a command)
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    wraps = [column in (*wrapping, columns[-1]) for column in columns]
    for column, may_wrap in zip(columns, wraps, strict=True):
        table.add_column(column, no_wrap=not may_wrap, overflow="fold")
    texts = [[Text(_visible_text(cell)) for cell in row] for row in rows]
    for row in texts:
        table.add_row(*row)
    widths = [
        max(map(cell_len, [name, *(line for row in texts for line in row[number].plain.split("\n"))]))
        for number, name in enumerate(columns)
    ]
    whole = [
        min(width, _NARROWEST) if may_wrap else width for width, may_wrap in zip(widths, wraps, strict=True)
    ]
    console = Console()
    console.width = max(console.width, sum(whole) + _BETWEEN * (len(whole) - 1))
    console.print(table)


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values, leaving out what is empty."""
    shown = [(name, value) for name, value in facts if value]
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        lines = _visible_text(value).replace("\n", "\n" + " " * (width + 2))
        click.echo(f"{name:<{width}}  {lines}")


def say(text: str) -> None:
    """Tell the reader something that is not the result."""
    click.echo(_visible_text(text), err=True)


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
    return visible(f"{title}: {first}")


def _visible_text(text: str) -> str:
    return _UNSAFE_IN_TEXT.sub(_spelt, text)


def _spelt(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _print_columns(given: Sequence[Sequence[str]]) -> None:
    rows = [[visible(cell.partition("\n")[0]) for cell in row] for row in given]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
