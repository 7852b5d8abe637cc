"""What every command needs of the command line before it: the settings, and a client."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property

import click

from workbench.client import Client
from workbench.settings import Settings, load


@dataclass(frozen=True)
class Session:
    """One run of a command; nothing is read before it is needed."""

    home: str | None
    endpoint: str

    @cached_property
    def settings(self) -> Settings:
        """The settings of the home."""
        return load({"home": self.home})

    @cached_property
    def client(self) -> Client:
        """The client for that home, or for the endpoint."""
        return Client.from_settings(self.settings, endpoint=self.endpoint)

    def environment(self, **changed: str) -> dict[str, str]:
        """The environment for a program of ours, which reads the same home."""
        return {**os.environ, "WORKBENCH_HOME": str(self.settings.home), **changed}


pass_session = click.make_pass_decorator(Session)
