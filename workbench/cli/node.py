"""`workbench node`, `workbench queue` and `workbench gpu`: what there is, who has it, who waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from workbench.cli.output import as_json, print_facts, print_json, print_table, say
from workbench.cli.session import Session, pass_session
from workbench.cli.sizes import shown_bytes
from workbench.wire.operations import operation


@click.command()
@as_json
@pass_session
def node(session: Session, json_wanted: bool) -> None:
    """Show this machine: CPUs, memory, disks, and every GPU with its holders."""
    machine = session.client.call(operation("workbench", "GetNode"))
    gpus = session.client.call(operation("workbench", "ListGpus"))["Gpus"]
    if json_wanted:
        print_json({**machine, "Gpus": gpus})
        return
    print_facts(_facts(machine))
    if gpus:
        click.echo()
        columns = ("GPU", "NAME", "MEMORY", "USED", "UTIL", "TEMP", "POWER", "HELD BY", "STATE")
        print_table(columns, map(_gpu_row, gpus))


@click.command()
@as_json
@pass_session
def queue(session: Session, json_wanted: bool) -> None:
    """Show what waits for a place, in its turn, and what for."""
    waiting = session.client.call(operation("workbench", "ListQueue"))["Queue"]
    if json_wanted:
        print_json(waiting)
    else:
        print_table(("TURN", "KIND", "NAME", "USER", "PRIORITY", "WANTS", "REASON"), map(_queue_row, waiting))


@click.group()
def gpu() -> None:
    """Keep new work away from a GPU, let it back, read its errors. Only the machine's owner may."""


@gpu.command()
@click.argument("gpu_", metavar="GPU")
@click.option("--reason", default="", help="Shown to everybody who waits.")
@pass_session
def cordon(session: Session, gpu_: str, reason: str) -> None:
    """Give no new work to a GPU, by its number or UUID; what runs on it goes on."""
    session.client.call(operation("workbench", "CordonGpu"), gpu=gpu_, Reason=reason)
    say(f"GPU {gpu_} gets no new work. `workbench gpu uncordon {gpu_}` lets it back.")


@gpu.command()
@click.argument("gpu_", metavar="GPU")
@pass_session
def uncordon(session: Session, gpu_: str) -> None:
    """Give work to a GPU again, after a cordon or after an error that the driver reported of it."""
    session.client.call(operation("workbench", "UncordonGpu"), gpu=gpu_)
    say(f"GPU {gpu_} gets work again.")


@gpu.command("events")
@click.argument("gpu_", metavar="GPU")
@as_json
@pass_session
def events_(session: Session, gpu_: str, json_wanted: bool) -> None:
    """Show the errors that the driver reported of a GPU, the newest last."""
    found = session.client.call(operation("workbench", "ListGpuEvents"), gpu=gpu_)["Events"]
    if json_wanted:
        print_json(found)
    else:
        print_table(("TIME", "LEVEL", "EVENT"), ((e["Time"], e["Level"], e["Message"]) for e in found))


def _facts(machine: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    asked = shown_bytes(machine["MemoryAskedBytes"])
    yield "cpus", f"{machine['Cpus']:g}, {machine['CpusAsked']:g} of {machine['CpusPromised']:g} given away"
    yield (
        "memory",
        f"{shown_bytes(machine['MemoryBytes'])}, {asked} of "
        f"{shown_bytes(machine['MemoryPromisedBytes'])} given away",
    )
    for disk in machine["Disks"]:
        yield (
            f"disk of {disk['Holds']}",
            f"{shown_bytes(disk['FreeBytes'])} of {shown_bytes(disk['TotalBytes'])} free, {disk['Path']}",
        )
    driver = f", driver {machine['Driver']}, CUDA {machine['Cuda']}" if machine["Driver"] else ""
    yield "gpus", f"{machine['Gpus']}{driver}"
    yield "", machine["GpuReason"]


def _gpu_row(gpu: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(gpu["Index"]),
        gpu["Name"],
        shown_bytes(gpu["MemoryBytes"]),
        _shown(gpu, "MemoryUsedBytes", shown_bytes),
        _shown(gpu, "Utilisation", lambda share: f"{share * 100:.0f}%"),
        _shown(gpu, "TemperatureCelsius", lambda celsius: f"{celsius}°C"),
        _shown(gpu, "PowerWatts", lambda watts: f"{watts:.0f} W"),
        ", ".join(map(_holder, gpu["Holders"])),
        _state(gpu),
    )


def _state(gpu: Mapping[str, Any]) -> str:
    """Why it gets no work, or whether it has some; and what is not right though it works."""
    state = gpu["Problem"] or gpu["Cordoned"] or gpu["NotFree"] or ("held" if gpu["Holders"] else "free")
    return " ".join([state, *(f"({each})" for each in gpu["Warnings"])])


def _holder(holder: Mapping[str, Any]) -> str:
    share = f" {shown_bytes(holder['MemoryBytes'])}" if holder["MemoryBytes"] else ""
    who = f"{holder['UserName']}/{holder['Name']}" if holder["Name"] else f"another user's {holder['Kind']}"
    return f"{who}{share}"


def _shown(gpu: Mapping[str, Any], name: str, words: Callable[[Any], str]) -> str:
    return words(gpu[name]) if gpu.get(name) is not None else ""


def _queue_row(waiting: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(waiting["Position"] or ""),
        waiting["Kind"],
        waiting["Name"],
        waiting["UserName"],
        str(waiting["Priority"]),
        waiting["Wants"],
        waiting["Reason"],
    )
