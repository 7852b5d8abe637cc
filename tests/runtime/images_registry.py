"""A registry with one small image, as far as an engine asks for one when it pulls."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class Registry:
    """Serves `image` on loopback, which engines trust without TLS.

    `asked` counts the requests by path. Layers are held back until `release` is called.
    `refusal` is a status and error code to answer every manifest with.
    """

    def __init__(self, content: bytes) -> None:
        self.asked: Counter[str] = Counter()
        self.refusal: tuple[int, str] | None = None
        self._released = threading.Event()
        self._blobs: dict[str, bytes] = {}
        self._manifest = self._make(content)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.image = f"127.0.0.1:{self._server.server_port}/team/small:1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def release(self) -> None:
        """Let layers through from now on."""
        self._released.set()

    def _make(self, content: bytes) -> bytes:
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as tar:
            entry = tarfile.TarInfo("content")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        tree = {"type": "layers", "diff_ids": [_digest(layer.getvalue())]}
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": tree}).encode()
        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": self._add(config, _CONFIG),
                "layers": [self._add(gzip.compress(layer.getvalue(), mtime=0), _LAYER)],
            }
        ).encode()

    def _add(self, blob: bytes, media_type: str) -> dict[str, Any]:
        self._blobs[_digest(blob)] = blob
        return {"mediaType": media_type, "size": len(blob), "digest": _digest(blob)}

    def _answer(self, path: str) -> tuple[int, str, bytes]:
        self.asked[path] += 1
        kind, _, name = path.rpartition("/")
        if path == "/v2/":
            return 200, "application/json", b"{}"
        if self.refusal:
            status, code = self.refusal
            return (
                status,
                "application/json",
                json.dumps({"errors": [{"code": code, "message": code}]}).encode(),
            )
        if kind == "/v2/team/small/manifests":
            return 200, _MANIFEST, self._manifest
        self._released.wait()
        return 200, "application/octet-stream", self._blobs[name]

    def _handler(registry) -> type[BaseHTTPRequestHandler]:  # noqa: N805 (the handler has its own self)
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, media_type, body = registry._answer(self.path)
                self.send_response(status)
                self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
                self.send_header("Docker-Content-Digest", _digest(body))
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"
