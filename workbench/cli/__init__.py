"""The `workbench` command.

A command must answer at once, so this file knows the commands by name only; the file of a
command is imported when that command runs, and what it prints with when it prints.
"""

from workbench.cli.root import workbench


def main() -> None:
    """The entry point."""
    workbench(prog_name="workbench")


__all__ = ["main", "workbench"]
