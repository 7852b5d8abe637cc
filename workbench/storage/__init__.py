"""Users' files: where they lie, whose they are, and how they get into pods."""

from workbench.storage.directories import Directories, NotRemoved, PlaceTaken, identity_files
from workbench.storage.mounts import Bindable, MountContext, SourceSilent, Storage
from workbench.storage.pin import Ability, PinFailed, SourceMissing, SourceRefused
from workbench.storage.rules import ENVIRONMENT, HOME, Access, BadMount, MountRequest
from workbench.storage.usage import NotCounted, disk_bytes

__all__ = [
    "ENVIRONMENT",
    "HOME",
    "Ability",
    "Access",
    "BadMount",
    "Bindable",
    "Directories",
    "MountContext",
    "MountRequest",
    "NotCounted",
    "NotRemoved",
    "PinFailed",
    "PlaceTaken",
    "SourceMissing",
    "SourceRefused",
    "SourceSilent",
    "Storage",
    "disk_bytes",
    "identity_files",
]
