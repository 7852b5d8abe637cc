"""What the gateway itself answers: to people as a page, to programs as PAI's error body.

Each is one sentence on what is the matter and one on what to do. HAProxy reads the files when
it starts, so a page is there even while the daemon is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

_TEMPLATE = (Path(__file__).parent / "page.html").read_text()
_RELOAD_S = 2


@dataclass(frozen=True, kw_only=True)
class Page:
    """An answer of the gateway's own. `reloads`: waiting helps, so the page looks again by itself."""

    status: int
    code: str
    title: str
    text: str
    reloads: bool = False


REFUSALS: Mapping[str, Page] = {
    "starting": Page(
        status=503,
        code="NotebookStarting",
        title="This notebook is starting.",
        text="The page opens by itself as soon as it answers; `workbench notebook list` shows how far it is.",
        reloads=True,
    ),
    "stopped": Page(
        status=503,
        code="NotebookStopped",
        title="This notebook is not running.",
        text="Start it with `workbench notebook start NAME`; the page then opens by itself.",
        reloads=True,
    ),
    "locked": Page(
        status=401,
        code="Unauthenticated",
        title="This notebook opens by its own link only.",
        text="`workbench notebook open NAME` makes a new one; each link works once, in one browser. "
        "Programs send the notebook's token as `Authorization: token …` with each request.",
    ),
    "foreign": Page(
        status=403,
        code="ForeignOrigin",
        title="Another site's page may not act on this notebook.",
        text="Open the notebook by its own address and do it there.",
    ),
    "unknown": Page(
        status=404,
        code="NotebookNotFound",
        title="There is no such notebook.",
        text="It may have been deleted; `workbench notebook list` shows those there are.",
    ),
    "nothing": Page(
        status=404,
        code="NotFound",
        title="There is nothing at this address.",
        text="Notebooks are under /notebook/, the API under /api/v1, /api/v2, /openapi and /workbench.",
    ),
}
"""By the name that the configuration's rules use."""

FAILURES: Mapping[str, Page] = {
    "silent": Page(
        status=503,
        code="NotebookSilent",
        title="This notebook does not answer.",
        text="It may be busy or just have ended. The page tries again by itself; "
        "`workbench notebook show NAME` says what is known.",
        reloads=True,
    ),
    "away": Page(
        status=503,
        code="ServiceUnavailable",
        title="Workbench's daemon does not answer.",
        text="Start it with `workbench up`; running notebooks go on meanwhile.",
        reloads=True,
    ),
}
"""What visitors get where a server fails."""


def files() -> Mapping[str, str]:
    """All pages as files, by name."""
    written = {"pages/welcome.json": json.dumps({"Name": "Workbench", "Message": _WELCOME}) + "\n"}
    for name, page in {**REFUSALS, **FAILURES}.items():
        written[f"pages/{name}.html"] = _html(page)
        written[f"pages/{name}.json"] = _json(page)
    return written


_WELCOME = (
    "Point PAI's SDKs at this address, with the keys that `workbench env` prints. "
    "`workbench notebook open NAME` opens a notebook."
)


def _html(page: Page) -> str:
    values = {
        "RELOAD": f'<meta http-equiv="refresh" content="{_RELOAD_S}">\n' if page.reloads else "",
        "TITLE": escape(page.title),
        "TEXT": _with_code(escape(page.text)),
    }
    text = _TEMPLATE
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _with_code(text: str) -> str:
    pieces = text.split("`")
    return "".join(f"<code>{piece}</code>" if at % 2 else piece for at, piece in enumerate(pieces))


def _json(page: Page) -> str:
    """A HAProxy log format, for the request's id; so its own sign would have to be doubled."""
    body = {"Code": page.code, "Message": f"{page.title} {page.text}"}
    text = json.dumps(body, ensure_ascii=False).replace("%", "%%")
    return text.removesuffix("}") + ', "RequestId": "%[uuid(),upper]"}\n'
