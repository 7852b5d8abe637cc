"""Workbench: one Linux machine as a complete AI platform."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("workbench")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0"
