"""The `workbench` command.

A command must answer at once, so this file knows the commands by name only; the file of a
command is imported when that command runs, and what it prints with when it prints.
"""

import os
import sys

try:
    from workbench.cli.root import ExitCode, workbench
except KeyboardInterrupt:  # that early nobody else would say it in words
    sys.stderr.write("\nInterrupted.\n")
    sys.exit(130)


def main() -> None:
    """The entry point. What no command foresaw ends in one line too."""
    for stream, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, stream) is None:  # whoever called closed it
            setattr(sys, stream, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    try:
        workbench(prog_name="workbench")
    except (OSError, ValueError) as error:
        # What could not be written is still there, and would be tried once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        what = error.strerror if isinstance(error, OSError) and error.strerror else error
        where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        sys.stderr.write(f"Error: {where}{what}.\n")
        sys.exit(ExitCode.FAILED)


__all__ = ["main", "workbench"]
