"""`python -m workbench_tui`: the dashboard in this terminal.

Nearly all that is made before the first screen is painted stays, so what is unused is not looked
for until then; that looking would cost a tenth of the start.
"""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Run it until the user leaves."""
    gc.disable()
    from workbench.client import Client  # noqa: PLC0415
    from workbench.client.aio import AsyncClient  # noqa: PLC0415
    from workbench.errors import WorkbenchError  # noqa: PLC0415
    from workbench.settings import load  # noqa: PLC0415
    from workbench_tui import texts  # noqa: PLC0415
    from workbench_tui.app import Dashboard  # noqa: PLC0415
    from workbench_tui.memory import Memory  # noqa: PLC0415

    texts.use(texts.language_of(os.environ))
    try:
        client = Client.from_settings(load())
    except WorkbenchError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    dashboard = Dashboard(AsyncClient(client), Memory.of_user(), when_painted=_painted)
    dashboard.run()
    return dashboard.return_code or 0


def _painted() -> None:
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    sys.exit(main())
