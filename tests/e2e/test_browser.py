"""What a user sees in a real browser, and what a script on that page cannot reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys

from tests.e2e.browser import browser, see
from tests.installation import Installation

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

FETCH = """
    const [url, options, done] = arguments;
    fetch(url, {credentials: "include", ...options})
        .then(answer => answer.text().then(text => done(`${answer.type} ${answer.status} ${text}`)))
        .catch(error => done(`refused: ${error.message}`));
"""

CONNECT = """
    const [url, done] = arguments;
    const socket = new WebSocket(url);
    socket.onopen = () => done("open");
    socket.onerror = () => done("refused");
"""


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with browser(Path(tmp_path_factory.mktemp("profile"))) as chrome:
        yield chrome


@pytest.fixture(scope="module")
def own(workbench: Installation, chrome: Chrome) -> str:
    """A notebook that the browser has opened by its link; the page is left as it then is."""
    return opened(workbench, chrome, workbench.create("own"))


@pytest.fixture(scope="module")
def other(workbench: Installation, chrome: Chrome, light_image: str) -> str:
    """Another notebook, to which the same browser was let in as well."""
    return opened(workbench, chrome, workbench.create("other", ImageUrl=light_image))


def opened(workbench: Installation, chrome: Chrome, notebook_id: str) -> str:
    workbench.until_status(notebook_id, "Running", within_s=600)
    chrome.get(workbench.run("notebook", "open", notebook_id, "--print").stdout.strip())
    return notebook_id


def origin(workbench: Installation, notebook_id: str) -> str:
    return f"http://{notebook_id}.localhost:{workbench.settings.port}"


def path(notebook_id: str, rest: str) -> str:
    return f"/notebook/{notebook_id}/{rest}"


def fetch(chrome: Chrome, url: str, **options: Any) -> str:
    """What a script of the page gets for a request: kind, status and text, or that it was refused."""
    return str(chrome.execute_async_script(FETCH, url, options))


def test_a_cell_run_in_jupyterlab_shows_its_result(chrome: Chrome, own: str, tmp_path: Path) -> None:
    see(chrome, '.jp-LauncherCard[data-category="Notebook"]').click()
    see(chrome, "#jp-main-statusbar", lambda bar: "(ipykernel) | Idle" in bar.text)
    see(chrome, ".jp-Notebook .cm-content").click()

    ActionChains(chrome).send_keys("6*7").perform()
    see(chrome, ".jp-Notebook .cm-content", lambda cell: cell.text == "6*7")
    ActionChains(chrome).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()

    see(chrome, ".jp-OutputArea-output pre", lambda output: output.text.strip() == "42")
    assert chrome.save_screenshot(str(tmp_path / "jupyterlab.png"))
    assert "ticket" not in chrome.current_url


def test_the_cookie_belongs_to_this_origin_alone_and_no_script_sees_it(
    workbench: Installation, chrome: Chrome, other: str, own: str
) -> None:
    chrome.get(f"{origin(workbench, own)}{path(own, 'api/status')}")

    cookies = {each["name"]: each for each in chrome.get_cookies()}

    assert cookies["workbench-session"]["httpOnly"]
    assert cookies["workbench-session"]["domain"] == f"{own}.localhost"
    assert "workbench-session" not in chrome.execute_script("return document.cookie")


def test_a_script_reads_nothing_of_another_session_nor_of_the_api(
    workbench: Installation, chrome: Chrome, other: str, own: str
) -> None:
    chrome.get(f"{origin(workbench, own)}{path(own, 'lab')}")
    see(chrome, "#jp-main-statusbar")  # a request of a page that is still loading may be broken off
    assert fetch(chrome, path(own, "api/kernels")).startswith("basic 200")
    port = workbench.settings.port

    for url in (
        f"{origin(workbench, other)}{path(other, 'api/kernels')}",
        path(other, "api/kernels"),
        f"http://127.0.0.1:{port}{path(other, 'api/kernels')}",
        f"http://127.0.0.1:{port}/api/v2/instances",
        f"http://localhost:{port}/api/v2/instances",
        f"http://localhost:{port}/workbench/v1/connection",
        "/api/v2/instances",
        "/workbench/v1/connection",
    ):
        answer = fetch(chrome, url)
        assert answer.startswith(("refused", "basic 4")), (url, answer)


def test_a_script_changes_nothing_in_another_session(
    workbench: Installation, chrome: Chrome, other: str, own: str
) -> None:
    chrome.get(f"{origin(workbench, own)}{path(own, 'lab')}")
    see(chrome, "#jp-main-statusbar")  # a request of a page that is still loading may be broken off
    there = f"{origin(workbench, other)}{path(other, 'api/shutdown')}"

    # The browser sends such a request although the page may not read the answer.
    assert fetch(chrome, there, method="POST", mode="no-cors") == "opaque 0 "
    address = there.replace("http", "ws", 1).replace("shutdown", "events/subscribe")
    assert chrome.execute_async_script(CONNECT, address) == "refused"

    chrome.get(f"{origin(workbench, other)}{path(other, 'api/kernels')}")
    assert chrome.find_element("tag name", "body").text == "[]"
    assert workbench.status(other) == "Running"
