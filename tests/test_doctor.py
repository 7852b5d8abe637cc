from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.emulated_gpu.fixtures import emulated_machine, machine_here
from tests.emulated_gpu.machine import Machine
from workbench.doctor import Facts, Finding, Level, examine, gather
from workbench.doctor.__main__ import main
from workbench.gateway.port import has_ipv6
from workbench.node import Gpu, GpuReading
from workbench.runtime import EngineFacts
from workbench.settings import Settings
from workbench.storage import Ability

__all__ = ["emulated_machine", "machine_here"]

StartHere = Callable[[int], Machine]

ENGINE = EngineFacts(
    version="28.5.1",
    api_version="1.51",
    cgroup_version=2,
    cgroup_driver="systemd",
    storage_driver="overlay2",
    root_dir="/var/lib/docker",
    cpus=8,
    memory_bytes=2**35,
    security_options=(),
    runtimes=("runc",),
    default_runtime="runc",
    live_restore=False,
    rootless=False,
    cdi_devices=(),
    gives_gpus=None,
    warnings=(),
)
CARD = Gpu(index=0, uuid="GPU-0", name="A10", memory_bytes=24 * 2**30)
ONE_GPU = GpuReading(gpus=(CARD,), driver="550.54", cuda="12.4")


def a_sound_machine(tmp_path: Path) -> Facts:
    return Facts(
        settings=Settings(home=tmp_path),
        root=True,
        engine=ENGINE,
        pins=Ability(True),
        free_bytes={tmp_path: 2**38},
        graphics=GpuReading(reason="No NVIDIA driver is installed."),
    )


@pytest.fixture
def sound(tmp_path: Path) -> Facts:
    return a_sound_machine(tmp_path)


def bad(facts: Facts) -> list[Finding]:
    return [finding for finding in examine(facts) if finding.level is not Level.OK]


@pytest.mark.parametrize(
    ("days", "level", "said"),
    [(3.5, Level.WARNING, "ends in 3 days"), (-1, Level.ERROR, "is over"), (30, Level.OK, "30 days")],
)
def test_a_certificate_is_renewed_in_time(sound: Facts, days: float, level: Level, said: str) -> None:
    [found] = [each for each in examine(replace(sound, certificate_days=days)) if each.check == "certificate"]

    assert (found.level, said in found.message) == (level, True)


def test_a_certificate_that_cannot_be_used_is_told_of(tmp_path: Path) -> None:
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).write_text("no PEM")
    settings = Settings(
        home=tmp_path, tls_certificate=str(tmp_path / "tls.crt"), tls_key=str(tmp_path / "tls.key")
    )

    found = {each.check: each for each in bad(gather(settings))}
    assert "cannot be used" in found["certificate"].message


def test_a_sound_machine_has_nothing_to_mend(sound: Facts) -> None:
    assert bad(sound) == []


def test_whatever_is_wrong_has_a_remedy(sound: Facts) -> None:
    wreck = replace(
        sound,
        root=False,
        pins=Ability(False, "Pinning mounts needs root."),
        free_bytes={Path("/"): 0},
        port_trouble=("Port 8580 is taken.", "Stop what holds it."),
        forwarding=False,
        ca_bundle_there=False,
        http_proxy="http://proxy:3128",
        engine=replace(ENGINE, api_version="1.40", rootless=True, warnings=("No swap limit support",)),
        graphics=ONE_GPU,
    )
    checks = {
        "engine",
        "cgroups",
        "network",
        "mounts",
        "users",
        "certificates",
        "disk",
        "port",
        "gpus",
        "proxy",
    }

    assert {finding.check for finding in bad(wreck)} == checks
    assert all(finding.remedy and finding.message for finding in bad(wreck))


def test_an_engine_that_is_away_is_said_with_its_own_hint(sound: Facts) -> None:
    away = replace(sound, engine=None, engine_trouble="No Docker engine answers.", engine_hint="Start it.")

    assert bad(away) == [Finding("engine", Level.ERROR, "No Docker engine answers.", "Start it.")]


def test_a_kernel_without_memory_limits_is_an_error(sound: Facts) -> None:
    weak = replace(sound, engine=replace(ENGINE, warnings=("WARNING: No memory limit support",)))

    assert [finding.level for finding in bad(weak)] == [Level.ERROR]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_port_that_the_gateway_cannot_have_names_who_holds_it(sound: Facts, family: int) -> None:
    if family is socket.AF_INET6 and not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    with socket.socket(family) as holder:
        holder.bind(("127.0.0.1" if family is socket.AF_INET else "::1", 0))
        holder.listen()
        seen = gather(replace(sound.settings, port=holder.getsockname()[1]))

    [finding] = [each for each in examine(replace(seen, gateway_up=False)) if each.check == "port"]
    assert finding.level is Level.ERROR
    assert f"process {os.getpid()}" in finding.message
    assert "WORKBENCH_PORT" in finding.remedy
    [ours] = [each for each in examine(replace(seen, gateway_up=True)) if each.check == "port"]
    assert ours.level is Level.OK


def test_an_updated_driver_wants_a_reboot(sound: Facts) -> None:
    [finding] = bad(replace(sound, graphics=GpuReading(reason="Updated.", mismatch=True)))

    assert "Reboot" in finding.remedy


def test_gpus_that_docker_cannot_give_out_are_an_error(sound: Facts) -> None:
    [finding] = bad(replace(sound, graphics=ONE_GPU))

    assert finding.level is Level.ERROR
    assert "nvidia-container-toolkit" in finding.remedy


def test_gpus_that_systemd_would_take_away_are_a_warning(sound: Facts) -> None:
    risky = replace(sound, graphics=ONE_GPU, hook=True)
    with_cdi = replace(risky, engine=replace(ENGINE, cdi_devices=("nvidia.com/gpu=0",)))
    with_cgroupfs = replace(risky, engine=replace(ENGINE, cgroup_driver="cgroupfs"))

    assert "daemon-reload" in bad(risky)[0].message
    assert bad(with_cdi) == bad(with_cgroupfs) == []


def test_a_broken_card_is_named_beside_the_sound_ones(sound: Facts) -> None:
    broken = Gpu(index=1, name="A10", problem="GPU is lost.")
    engine = replace(ENGINE, cgroup_driver="cgroupfs")
    facts = replace(sound, hook=True, engine=engine, graphics=replace(ONE_GPU, gpus=(CARD, broken)))

    [finding] = bad(facts)
    assert (finding.message, finding.remedy) == ("GPU 1 A10: GPU is lost.", "Reset it, or reboot.")
    assert any("1 of 2 GPUs" in finding.message for finding in examine(facts))


def test_what_a_card_needs_is_the_remedy(sound: Facts) -> None:
    worn = replace(CARD, problem="Its memory is worn out. Exchange the card.")
    engine = replace(ENGINE, cgroup_driver="cgroupfs")

    [finding] = bad(replace(sound, hook=True, engine=engine, graphics=replace(ONE_GPU, gpus=(worn,))))

    assert (finding.message, finding.remedy) == ("GPU 0 A10: Its memory is worn out.", "Exchange the card.")


def test_a_card_that_works_and_is_not_well_is_a_warning(sound: Facts) -> None:
    engine = replace(ENGINE, cgroup_driver="cgroupfs")
    hot = {0: ("Slowed down since it is too hot. See to its fans.",)}
    facts = replace(sound, hook=True, engine=engine, graphics=ONE_GPU, gpu_warnings=hot)

    assert bad(facts) == [
        Finding("gpus", Level.WARNING, "GPU 0 A10: Slowed down since it is too hot.", "See to its fans.")
    ]


def test_what_the_cards_say_of_themselves_is_gathered(machine_here: StartHere, tmp_path: Path) -> None:
    machine_here(2).set_slowdown(1, "heat")

    facts = gather(Settings(home=tmp_path, docker_host=f"unix://{tmp_path}/no.sock"))

    assert "too hot" in facts.gpu_warnings[1][0]
    assert facts.gpu_warnings[0] == ()


def test_looking_changes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "not" / "yet"

    facts = gather(Settings(home=home, docker_host=f"unix://{tmp_path}/no.sock"))

    assert facts.engine_trouble
    assert not home.parent.exists()


def test_the_exit_code_tells_programs_whether_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")

    assert main([]) == 1
    assert "✗ error" in capsys.readouterr().out


def test_a_wrong_setting_is_a_finding_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKBENCH_PORT", "port")

    assert main(["--json"]) == 1
    assert '"check": "settings"' in capsys.readouterr().out
