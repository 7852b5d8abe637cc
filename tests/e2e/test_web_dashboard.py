"""The dashboard in a browser: who has the link sees what they would see in their terminal."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from selenium.webdriver import ActionChains, Chrome

from tests.e2e.browser import browser
from tests.installation import Installation
from workbench.client import ClientError
from workbench.wire.operations import operation

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

LISTEN = """
    window.drawn = "";
    const Plain = WebSocket;
    window.WebSocket = class extends Plain {
        constructor(...given) {
            super(...given);
            this.addEventListener("message", async (message) => {
                const data = message.data;
                const text = typeof data === "string" ? data : await new Response(data).text();
                window.drawn += text;  // read only now: another message may have come meanwhile
            });
        }
    };
"""
"""The page draws on a canvas, so what it is told to draw is listened to."""

CONNECT = """
    const [url, done] = arguments;
    const socket = new WebSocket(url);
    socket.onopen = () => done("open");
    socket.onerror = () => done("refused");
"""


class Page:
    """The dashboard as a browser shows it."""

    def __init__(self, chrome: Chrome, workbench: Installation, link: str) -> None:
        self._chrome, self._workbench = chrome, workbench
        chrome.get(link)

    def shows(self, text: str) -> None:
        """Wait until something was drawn."""
        self._workbench.until(lambda: text in self.drawn, f"{text!r} is drawn", within_s=300)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        ActionChains(self._chrome).send_keys(*keys).perform()

    @property
    def drawn(self) -> str:
        """All text that was drawn so far."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._chrome.execute_script("return window.drawn"))


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with browser(Path(tmp_path_factory.mktemp("profile"))) as chrome:
        chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LISTEN})
        yield chrome


@pytest.fixture(scope="module")
def notebook(workbench: Installation, light_image: str) -> str:
    notebook_id = workbench.create("seen-in-browser", ImageUrl=light_image)
    workbench.until_status(notebook_id, "Running", within_s=300)
    return notebook_id


@pytest.fixture
def serving(workbench: Installation, notebook: str) -> Iterator[subprocess.Popen[str]]:
    """`workbench dashboard --web`, for as long as the test lasts."""
    command = [sys.executable, "-m", "workbench.cli", "dashboard", "--web"]
    with subprocess.Popen(command, env=workbench.environment, stdout=subprocess.PIPE, text=True) as serving:
        yield serving
        serving.terminate()
    assert serving.returncode == 0


@pytest.fixture
def link(serving: subprocess.Popen[str]) -> str:
    """What it prints."""
    assert serving.stdout
    return serving.stdout.readline().strip()


def asked(link: str, path: str, **headers: str) -> httpx.Response:
    """A request to the dashboard's origin; `path` may lead anywhere."""
    parts = urlsplit(link)
    return httpx.get(f"http://127.0.0.1:{parts.port}{path}", headers={"Host": parts.netloc, **headers})


def let_in(link: str) -> str:
    """The cookie that the link is exchanged for."""
    parts = urlsplit(link)
    return asked(link, f"{parts.path}?{parts.query}").headers["set-cookie"].partition(";")[0]


def test_a_browser_shows_the_overview_and_a_log(
    chrome: Chrome, workbench: Installation, link: str, tmp_path: Path
) -> None:
    page = Page(chrome, workbench, link)
    page.shows("seen-in-browser")
    page.shows("? Help")

    page.press("l")

    page.shows("Following")
    assert chrome.save_screenshot(str(tmp_path / "dashboard.png"))
    assert "ticket" not in chrome.current_url


def test_a_browser_has_no_terminal_for_a_shell_and_says_so(
    chrome: Chrome, workbench: Installation, link: str
) -> None:
    page = Page(chrome, workbench, link)
    page.shows("seen-in-browser")

    page.press("E")

    page.shows("A browser has no terminal to give")


def test_the_link_works_once_and_ends_with_the_program(workbench: Installation, link: str) -> None:
    parts = urlsplit(link)
    cookie = let_in(link)

    assert asked(link, f"{parts.path}?{parts.query}").status_code == 401
    assert asked(link, parts.path).status_code == 401
    assert asked(link, parts.path, Cookie=cookie).status_code == 200
    assert asked(link, parts.path, Cookie="workbench-session=guessed").status_code == 401


def test_no_other_site_reaches_it(chrome: Chrome, workbench: Installation, link: str, notebook: str) -> None:
    parts = urlsplit(link)
    cookie = let_in(link)
    stranger = f"http://{notebook}.localhost:{parts.port}"

    assert asked(link, f"{parts.path}", Cookie=cookie, Origin=stranger).status_code == 403
    assert asked(link, f"/notebook/{notebook}/lab", Cookie=cookie).status_code == 404
    chrome.get(f"http://127.0.0.1:{parts.port}/")
    socket_url = f"ws://{parts.netloc}{parts.path.removesuffix('lab')}ws"
    assert chrome.execute_async_script(CONNECT, socket_url) == "refused"


def test_the_program_itself_answers_nobody_but_the_gateway(serving: subprocess.Popen[str], link: str) -> None:
    [listener] = [
        each for each in psutil.Process(serving.pid).net_connections() if each.status == psutil.CONN_LISTEN
    ]
    url = f"http://127.0.0.1:{listener.laddr.port}{urlsplit(link).path}"

    assert listener.laddr.ip == "127.0.0.1"
    assert httpx.get(url).status_code == 403
    assert httpx.get(url, headers={"Authorization": "token guessed"}).status_code == 403


def test_a_restarted_daemon_leads_there_again_by_a_new_link(
    workbench: Installation, serving: subprocess.Popen[str], link: str
) -> None:
    cookie = let_in(link)

    workbench.kill()
    workbench.start()

    assert serving.stdout
    new = serving.stdout.readline().strip()
    workbench.until(lambda: asked(new, urlsplit(new).path).status_code == 401, "the new link leads there")
    assert asked(new, urlsplit(new).path, Cookie=let_in(new)).status_code == 200
    assert asked(link, urlsplit(link).path, Cookie=cookie).status_code == 404


def test_a_way_to_somebody_elses_port_is_refused(workbench: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mine:
        port = mine.getsockname()[1]
    open_dashboard = operation("workbench", "OpenDashboard")

    with (
        pytest.raises(ClientError, match="listens"),
        workbench.client.stream(open_dashboard, Port=port, Key="k" * 32) as lines,
    ):
        next(lines)
