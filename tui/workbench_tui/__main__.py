"""`python -m workbench_tui`: the dashboard in this terminal.

Nearly all that is made before the first screen is painted stays, so what is unused is not looked
for until then; that looking would cost a tenth of the start.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping
from pathlib import Path


def main() -> int:
    """Run it until the user leaves; with `--read-only`, nothing can be changed."""
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
        keys = _own_keys()
    except WorkbenchError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    dashboard = Dashboard(
        AsyncClient(client),
        Memory.of_user(),
        keys=keys,
        read_only="--read-only" in sys.argv[1:],
        when_painted=_painted,
    )
    dashboard.run()
    return dashboard.return_code or 0


def _own_keys() -> Mapping[str, str]:
    place = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    path = place / "workbench" / "keys.toml"
    if not path.exists():
        return {}
    from workbench_tui import own_keys  # noqa: PLC0415 (it loads every screen)

    return own_keys.read(path)


def _painted() -> None:
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    sys.exit(main())
