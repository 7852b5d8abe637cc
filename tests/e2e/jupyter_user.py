"""Somebody who works in a notebook: through the gateway, with REST and a websocket, as programs do."""

from __future__ import annotations

import json
import uuid
from contextlib import closing
from typing import Any

import httpx
import websocket

from tests.installation import Installation

_ANSWER_WITHIN_S = 60


class JupyterUser:
    """One user of one notebook, let in by the access token."""

    def __init__(self, installation: Installation, notebook_id: str) -> None:
        token = installation.dsw("GetToken", InstanceId=notebook_id)["Token"]
        self._headers = {"Authorization": f"token {token}"}
        self._base = f"{installation.settings.endpoint}/notebook/{notebook_id}/"
        self.http = httpx.Client(base_url=self._base, headers=self._headers, timeout=_ANSWER_WITHIN_S)

    def start_kernel(self) -> str:
        """Start a Python kernel; its id."""
        answer = self.http.post("api/kernels", json={"name": "python3"})
        answer.raise_for_status()
        return str(answer.json()["id"])

    def run(self, kernel: str, code: str) -> str:
        """Run a cell and give what it printed."""
        with closing(self.connect(kernel)) as connection:
            return _output(connection, send(connection, code))

    def connect(self, kernel: str) -> websocket.WebSocket:
        """A websocket to a kernel."""
        address = f"{self._base.replace('http', 'ws', 1)}api/kernels/{kernel}/channels"
        header = [f"{name}: {value}" for name, value in self._headers.items()]
        return websocket.create_connection(address, header=header, timeout=_ANSWER_WITHIN_S)

    def write(self, name: str, text: str) -> None:
        """Save a text file."""
        body = {"type": "file", "format": "text", "content": text}
        self.http.put(f"api/contents/{name}", json=body).raise_for_status()

    def read(self, name: str) -> str:
        """Open a text file."""
        answer = self.http.get(f"api/contents/{name}")
        answer.raise_for_status()
        return str(answer.json()["content"])


def send(connection: websocket.WebSocket, code: str) -> str:
    """Ask for a cell to be run; the id of the request."""
    request = _execute_request(code)
    connection.send(json.dumps(request))
    return str(request["header"]["msg_id"])


def _execute_request(code: str) -> dict[str, Any]:
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3"}
    header |= {"session": uuid.uuid4().hex, "username": "", "date": ""}
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    return {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}


def _output(connection: websocket.WebSocket, request_id: str) -> str:
    said = []
    while True:
        message = json.loads(connection.recv())
        if message["parent_header"].get("msg_id") != request_id:
            continue
        match message["msg_type"]:
            case "stream":
                said.append(message["content"]["text"])
            case "execute_result":
                said.append(message["content"]["data"]["text/plain"])
            case "error":
                said.append("\n".join(message["content"]["traceback"]))
            case "status" if message["content"]["execution_state"] == "idle":
                return "".join(said)
