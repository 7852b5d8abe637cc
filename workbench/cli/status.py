"""`workbench status`: what runs and what does not."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.output import as_json, print_facts, print_json
from workbench.cli.session import Session, pass_session
from workbench.wire.operations import operation


@click.command()
@as_json
@pass_session
def status(session: Session, json_wanted: bool) -> None:
    """Say what runs and what does not. Ends with 3 when Workbench does not run."""
    answer = session.client.call(operation("workbench", "GetStatus"))
    if json_wanted:
        print_json(answer)
    else:
        print_facts(_facts(answer))


def _facts(answer: dict[str, Any]) -> list[tuple[str, str]]:
    engine, gateway = answer["Engine"], answer["Gateway"]
    counts = ", ".join(f"{number} {state}" for state, number in answer["Notebooks"].items() if number)
    return [
        ("version", answer["Version"]),
        ("daemon", f"process {answer['Pid']}, since {answer['StartedAt']}"),
        ("home", answer["Home"]),
        ("endpoint", answer["Endpoint"]),
        ("engine", f"Docker {engine['Version']}" if engine["Answers"] else f"away: {engine['Message']}"),
        ("gateway", "answers" if gateway["Answers"] else f"away: {gateway['Message']}"),
        ("notebooks", counts or "none"),
        *(("image", f"{each['Name']}: {each['State']} {each['Progress']}") for each in answer["Images"]),
        *(("failing", f"{each['Kind']} {each['Id']}, {each['Failures']}x") for each in answer["Failures"]),
    ]
