"""`python -m workbench_tui`: the dashboard in this terminal."""

from __future__ import annotations

import os
import sys

from workbench.client import Client
from workbench.client.aio import AsyncClient
from workbench.errors import WorkbenchError
from workbench.settings import load
from workbench_tui import texts
from workbench_tui.app import Dashboard
from workbench_tui.memory import Memory


def main() -> int:
    """Run it until the user leaves."""
    texts.use(texts.language_of(os.environ))
    try:
        client = Client.from_settings(load())
    except WorkbenchError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    dashboard = Dashboard(AsyncClient(client), Memory.of_user())
    dashboard.run()
    return dashboard.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
