"""`python -m workbench.daemon`: serve a home until told to stop.

With `--down` it stops what a daemon that was killed left running, with `--purge` it removes
everything; both do what the running daemon would, and end.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time

from workbench import notebooks, workspaces
from workbench.api import Server, application
from workbench.daemon import compute, down, machine, metrics_api
from workbench.daemon.kinds import RESIDENTS
from workbench.daemon.lock import only_daemon_of
from workbench.daemon.wiring import Machine, build
from workbench.errors import WorkbenchError
from workbench.settings import Settings, as_texts, expect_files, load

log = logging.getLogger("workbench.daemon")


def main() -> int:
    """Run; the exit code is 0 for an end that was asked for and 1 for any other."""
    arguments = argparse.ArgumentParser(prog="workbench.daemon", description=__doc__)
    arguments.add_argument("--down", action="store_true", help="stop what still runs, then end")
    arguments.add_argument("--purge", action="store_true", help="remove everything, then end")
    chosen = arguments.parse_args()
    # Files of sessions, keys and the database are nobody else's business.
    os.umask(0o077)
    try:
        settings = load()
        if not (chosen.down or chosen.purge):
            expect_files(settings)
        _log_to_stderr(settings.log_level)
        with only_daemon_of(settings.home, settings.run):
            whole = build(settings)
            if chosen.down or chosen.purge:
                _end_everything(whole, purge=chosen.purge)
            else:
                _serve(whole, settings)
    except WorkbenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _serve(whole: Machine, settings: Settings) -> None:
    ending = _Ending()
    parts = whole.parts
    authenticator = workspaces.Authenticator(parts.store, parts.vault, parts.now, settings.run / "nonces")
    auditor = workspaces.Auditor(parts.store, parts.now, RESIDENTS)
    auditor.close_what_was_left()
    app = application(
        parts,
        (
            *workspaces.routes(RESIDENTS),
            *notebooks.ROUTES,
            *compute.ROUTES,
            *machine.routes(parts, ending.ask),
            *metrics_api.routes(whole.measuring),
        ),
        authenticator,
        recognise=authenticator.recognise,
        around=auditor.beginning,
        observe=auditor,
    )
    server = Server(app, local=settings.socket, public=settings.gateway_socket)
    ending.server = server
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, frame: ending.ask(False))
    settings.in_force.write_text(json.dumps(as_texts(settings)))
    watch = whole.start()
    whole.measuring.start()
    log.info("daemon started home=%s pid=%d endpoint=%s", settings.home, os.getpid(), settings.endpoint)
    try:
        server.run()
        if ending.sessions_too:
            down.stop_sessions(parts)
    finally:
        watch.stop()
        whole.measuring.stop()
        parts.queue.stop()
    if ending.sessions_too:
        parts.gateway.stop()  # last, when nobody is left to bring it back
    log.info("daemon ended")


def _end_everything(whole: Machine, *, purge: bool) -> None:
    watch = whole.start()
    try:
        down.stop_sessions(whole.parts)
    finally:
        watch.stop()
        whole.parts.queue.stop()
    whole.parts.gateway.stop()
    if purge:
        down.purge(whole.parts)


class _Ending:
    """That the daemon should end, asked for by a signal or through the API."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self.sessions_too = False

    def ask(self, sessions_too: bool) -> None:
        self.sessions_too |= sessions_too
        if self.server:
            # Later and elsewhere: the request that asks still wants its answer.
            threading.Thread(target=self.server.stop, name="ending").start()


def _log_to_stderr(level: str) -> None:
    """A line an event: time in UTC, level, who, then the event and its fields."""
    handler = logging.StreamHandler()
    formatter = logging.Formatter(
        "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for chatty in ("urllib3", "docker", "uvicorn", "asyncio"):
        logging.getLogger(chatty).setLevel("WARNING")


if __name__ == "__main__":
    sys.exit(main())
