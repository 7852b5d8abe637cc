"""Containers, networks, images: the only package that knows Docker.

`Runtime` is what everything above uses: plans of pods in, pods and their events and logs
out. Docker is the inventory; nothing here remembers anything.
"""

from workbench.runtime.engine import Engine, EngineFacts, EngineRefused
from workbench.runtime.events import Watch
from workbench.runtime.logs import LogLine, LogStream, PodGone
from workbench.runtime.networks import Network, NetworkInUse, NoNetwork
from workbench.runtime.pods import Bind, Pod, PodEvent, PodPlan, PodState
from workbench.runtime.refusals import ImageMissing, NameTaken, OtherGeneration, StartRefused
from workbench.runtime.runtime import Runtime
from workbench.runtime.saved_logs import read_saved
from workbench.runtime.shells import Shell, ShellPlan

__all__ = [
    "Bind",
    "Engine",
    "EngineFacts",
    "EngineRefused",
    "ImageMissing",
    "LogLine",
    "LogStream",
    "NameTaken",
    "Network",
    "NetworkInUse",
    "NoNetwork",
    "OtherGeneration",
    "Pod",
    "PodEvent",
    "PodGone",
    "PodPlan",
    "PodState",
    "Runtime",
    "Shell",
    "ShellPlan",
    "StartRefused",
    "Watch",
    "read_saved",
]
