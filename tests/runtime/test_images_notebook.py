"""The notebook image as it is: any user's, with nothing of root's."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import websocket
from docker import APIClient

from workbench.runtime import Bind, Pod, PodPlan, Runtime
from workbench.runtime.images import Images, Present, Working
from workbench.settings import load

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1200)]  # a fresh machine builds it first

USER = 12345
TOKEN = "a-session's-token"
CA_BUNDLE = "/etc/workbench/ca-certificates.crt"


@pytest.fixture(scope="session")
def notebook_image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of the real image, built where this machine does not have it."""
    changed = threading.Event()
    settings = load({"home": str(tmp_path_factory.mktemp("home"))})
    images = Images(settings, uuid.uuid4().hex, lambda name: changed.set())
    while isinstance(status := images.ensure("notebook"), Working):
        assert changed.wait(600)
        changed.clear()
    assert isinstance(status, Present), status
    return status.image_id


class Session:
    """A container of the image, and how a browser speaks to it."""

    def __init__(self, pod: Pod) -> None:
        self.pod = pod
        self.address = f"{pod.address}:8888/notebook/x"

    def call(self, path: str, method: str = "GET") -> bytes:
        request = urllib.request.Request(f"http://{self.address}{path}", method=method)
        request.add_header("Authorization", f"token {TOKEN}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            said: bytes = answer.read()
        return said

    def answers(self) -> bool:
        try:
            return bool(self.call("/api"))
        except OSError:
            return False

    def socket(self, path: str) -> websocket.WebSocket:
        header = [f"Authorization: token {TOKEN}"]
        return websocket.create_connection(f"ws://{self.address}{path}", header=header, timeout=120)

    def run(self, *cells: str) -> list[str]:
        """What each cell prints, run one after the other in a new kernel."""
        kernel = json.loads(self.call("/api/kernels", "POST"))["id"]
        with contextlib.closing(self.socket(f"/api/kernels/{kernel}/channels")) as channel:
            return [_run(channel, cell) for cell in cells]

    def type(self, line: str) -> str:
        """What a new terminal shows when somebody types this."""
        terminal = json.loads(self.call("/api/terminals", "POST"))["name"]
        with contextlib.closing(self.socket(f"/terminals/websocket/{terminal}")) as channel:
            channel.send(json.dumps(["stdin", f"{line}; exit\r"]))
            shown = ""
            while (message := json.loads(channel.recv()))[0] != "disconnect":
                shown += message[1] if message[0] == "stdout" else ""
        return shown


def _run(channel: websocket.WebSocket, cell: str) -> str:
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": ""}
    content = {"code": cell, "silent": False, "store_history": False, "allow_stdin": False}
    parts = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    channel.send(json.dumps(parts))
    printed = ""
    while True:
        message: dict[str, Any] = json.loads(channel.recv())
        if message["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        said = message["content"]
        match message["msg_type"]:
            case "stream":
                printed += said["text"]
            case "execute_result":
                printed += said["data"]["text/plain"]
            case "error":
                printed += "\n".join(said["traceback"])
            case "status" if said["execution_state"] == "idle":
                return printed


@pytest.fixture
def start(notebook_image: str, runtime: Runtime, engine: APIClient, tmp_path: Path) -> Callable[[], Session]:
    """Start a session; each has the same home and environment."""
    for name in ("workspace", "environment"):
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, USER, USER)
    (tmp_path / "passwd").write_text(f"ann:x:{USER}:{USER}::/mnt/workspace:/bin/bash\n")
    (tmp_path / "token").write_text(TOKEN)
    settings = load({"home": str(tmp_path)})
    trusted = (Bind(settings.ca_bundle, CA_BUNDLE, read_only=True),) if settings.ca_bundle else ()
    runtime.ensure_network("images")

    def start() -> Session:
        pod = runtime.start_pod(
            PodPlan(
                kind="notebook",
                id=uuid.uuid4().hex[:8],
                generation=1,
                image=notebook_image,
                command=("jupyter", "lab", "--ServerApp.base_url=/notebook/x/"),
                environment={"JUPYTER_TOKEN_FILE": "/run/token"}
                | ({"PIP_CERT": CA_BUNDLE} if trusted else {})
                | ({"PIP_INDEX_URL": settings.pip_index_url} if settings.pip_index_url else {}),
                user=f"{USER}:{USER}",
                network="images",
                binds=(
                    Bind(str(tmp_path / "workspace"), "/mnt/workspace"),
                    Bind(str(tmp_path / "environment"), "/mnt/environment"),
                    Bind(str(tmp_path / "passwd"), "/etc/passwd", read_only=True),
                    Bind(str(tmp_path / "token"), "/run/token", read_only=True),
                    *trusted,
                ),
            )
        )
        session = Session(pod)
        while not session.answers():
            assert engine.inspect_container(pod.container)["State"]["Running"], engine.logs(
                pod.container
            ).decode()
            time.sleep(0.1)
        return session

    return start


def test_jupyterlab_answers_under_its_base_url_and_runs_cells(start: Callable[[], Session]) -> None:
    session = start()

    assert b"JupyterLab" in session.call("/lab")
    assert session.run("6*7") == ["42"]


def test_without_the_token_nobody_comes_in(start: Callable[[], Session]) -> None:
    session = start()

    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"http://{session.address}/api/contents", timeout=30)
    assert refusal.value.code == 403


def test_a_terminal_is_the_users_own(start: Callable[[], Session]) -> None:
    shown = start().type(
        'echo "[$(id -u):$(id -un):$PWD]"; git --version; tmux -V; command -v nano curl ssh less'
    )

    assert f"[{USER}:ann:/mnt/workspace]" in shown
    for tool in ("git version", "tmux ", "/nano", "/curl", "/ssh", "/less"):
        assert tool in shown


def test_what_a_user_installs_is_there_at_once_and_in_the_next_container(
    start: Callable[[], Session], runtime: Runtime
) -> None:
    first = start()
    installed = first.run("%pip install -q cowsay", "import cowsay; cowsay.__file__", "!command -v cowsay")
    runtime.remove_pod(first.pod)
    again = start().run("import cowsay; cowsay.__file__", "!cowsay -t hello")

    assert "/mnt/environment/lib/" in installed[1]
    assert installed[2].strip() == "/mnt/environment/bin/cowsay"
    assert again[0] == installed[1]
    assert "hello" in again[1]


def test_a_user_may_have_another_version_of_what_the_image_brings(start: Callable[[], Session]) -> None:
    terminal = start().type(
        "pip install -q 'idna==3.4'; python3 -c 'import idna; print(idna.__version__, idna.__file__)'"
    )

    assert "3.4 /mnt/environment/lib/" in terminal


def test_nothing_a_user_installs_or_writes_keeps_their_session_from_starting(
    start: Callable[[], Session], tmp_path: Path
) -> None:
    packages = tmp_path / "environment" / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    for module in (packages / "traitlets.py", packages / "tornado.py", tmp_path / "workspace" / "random.py"):
        module.write_text("raise SystemExit('broken')\n")

    assert b"JupyterLab" in start().call("/lab")


def test_the_page_asks_nothing_of_the_network_and_does_not_hold_the_token(
    start: Callable[[], Session],
) -> None:
    page = start().call("/lab").decode()
    settings = json.loads(page.split('type="application/json">')[1].split("</script>")[0])

    assert TOKEN not in page
    assert settings["news"] == {"disabled": True}
    assert settings["disabledExtensions"] == ["@jupyterlab/apputils-extension:announcements"]
    assert not settings["buildCheck"]


def test_terminals_and_the_button_that_ends_a_session_are_there(start: Callable[[], Session]) -> None:
    page = start().call("/lab").decode()

    assert '"terminalsAvailable": true' in page
    assert '"quitButton": true' in page
