"""`python -m workbench.doctor`: print the findings. Exit code 0 when no error is among them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from workbench.doctor.facts import gather
from workbench.doctor.findings import Finding, Level, examine
from workbench.errors import WorkbenchError
from workbench.settings import load


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the findings.

    Returns:
        0 when there is no error among them, else 1.
    """
    parser = argparse.ArgumentParser(prog="workbench doctor", description="Say what hinders Workbench.")
    parser.add_argument("--json", action="store_true", help="Print the findings as JSON.")
    wanted = parser.parse_args(arguments)
    try:
        findings = examine(gather(load()))
    except WorkbenchError as error:
        findings = [Finding("settings", Level.ERROR, error.message, error.hint)]
    if wanted.json:
        text = json.dumps([asdict(finding) for finding in findings], indent=2)
    else:
        text = "\n".join(_lines(findings))
    sys.stdout.write(text + "\n")
    return int(any(finding.level is Level.ERROR for finding in findings))


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    signs = {Level.OK: "✓ ok     ", Level.WARNING: "! warning", Level.ERROR: "✗ error  "}
    for finding in findings:
        yield f"{signs[finding.level]}  {finding.check + ':':13} {finding.message}"
        if finding.remedy:
            yield f"{'':25} → {finding.remedy}"


if __name__ == "__main__":
    sys.exit(main())
