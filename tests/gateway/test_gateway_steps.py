"""The commands that bring a running HAProxy in step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.conftest import a_route
from workbench.gateway import NotebookRoute, Phase
from workbench.gateway.changes import Running, changes, last_changes, revoked, wanted
from workbench.gateway.routes import Server

routes = st.dictionaries(
    st.sampled_from(["dsw-1", "dsw-2", "dsw-3"]),
    st.tuples(st.sampled_from(Phase), st.sampled_from(["10.0.0.1", "fd00::2"]), st.sampled_from("xy")),
).map(lambda drawn: [_drawn(id, *each) for id, each in drawn.items()])


def _drawn(id: str, phase: Phase, address: str, secret: str) -> NotebookRoute:
    return a_route(id, address, phase=phase, cookie=secret * 16)


class Haproxy:
    """What HAProxy does with the commands, by its manual."""

    def __init__(self, running: Running) -> None:
        self.records = dict(running.records)
        self.servers = dict(running.servers)
        self.ended: set[str] = set()

    def do(self, command: str) -> None:
        match command.split():
            case ["add", "map", _, id, record]:
                assert id not in self.records
                self.records[id] = record
            case ["set", "map", _, id, record]:
                assert id in self.records
                self.records[id] = record
            case ["del", "map", _, id]:
                del self.records[id]
            case ["add", "server", path, endpoint, *_]:
                address, _, port = endpoint.rpartition(":")
                assert self._name(path) not in self.servers
                self.servers[self._name(path)] = Server(address.strip("[]"), int(port), in_use=False)
            case ["set", "server", path, "state", "ready"]:
                self._change(path, in_use=True)
            case ["set", "server", path, "state", "maint"]:
                self._change(path, in_use=False)
            case ["set", "server", path, "addr", address, "port", port]:
                old = self.servers[self._name(path)]
                self.servers[self._name(path)] = Server(address, int(port), old.in_use)
            case ["shutdown", "sessions", "server", path]:
                self.ended.add(self._name(path))
            case ["del", "server", path]:
                assert not self.servers[self._name(path)].in_use
                assert self._name(path) in self.ended
                del self.servers[self._name(path)]
            case _:
                raise AssertionError(command)
        self._check_that_what_opens_has_a_server()

    def _change(self, path: str, *, in_use: bool) -> None:
        old = self.servers[self._name(path)]
        self.servers[self._name(path)] = Server(old.address, old.port, in_use)

    def _check_that_what_opens_has_a_server(self) -> None:
        assert all(id in self.servers for id, record in self.records.items() if record.startswith("ready:"))

    @staticmethod
    def _name(path: str) -> str:
        backend, _, name = path.partition("/")
        assert backend == "notebooks"
        return name


@given(routes, routes)
def test_from_any_routes_to_any_others_the_commands_lead(
    before: list[NotebookRoute], after: list[NotebookRoute]
) -> None:
    haproxy = Haproxy(wanted(before))
    for command in changes(wanted(before), wanted(after)):
        haproxy.do(command)

    assert Running(haproxy.records, haproxy.servers) == wanted(after)
    assert changes(Running(haproxy.records, haproxy.servers), wanted(after)) == []


@given(routes, routes, st.data())
def test_an_interrupted_change_is_finished_by_the_next(
    before: list[NotebookRoute], after: list[NotebookRoute], data: st.DataObject
) -> None:
    commands = changes(wanted(before), wanted(after))
    haproxy = Haproxy(wanted(before))
    for command in commands[: data.draw(st.integers(0, len(commands)))]:
        haproxy.do(command)
    for command in changes(Running(haproxy.records, haproxy.servers), wanted(after)):
        haproxy.do(command)

    assert Running(haproxy.records, haproxy.servers) == wanted(after)
    assert revoked(wanted(before), wanted(after)) <= haproxy.ended


@given(routes)
def test_what_stays_is_not_touched(same: list[NotebookRoute]) -> None:
    assert changes(wanted(same), wanted(same)) == []
    assert revoked(wanted(same), wanted(same)) == set()


def test_other_secrets_end_what_the_old_ones_opened() -> None:
    before = wanted([a_route("dsw-1"), a_route("dsw-2")])
    after = wanted([a_route("dsw-1", cookie="another-cookie-0123"), a_route("dsw-2")])

    assert "shutdown sessions server notebooks/dsw-1" in changes(before, after)
    assert not [command for command in changes(before, after) if "dsw-2" in command]
    assert revoked(before, after) == {"dsw-1"}


def test_a_worker_that_leaves_is_told_of_records_only() -> None:
    assert {command.split()[1] for command in last_changes(wanted([a_route("dsw-1")]), wanted([]))} == {"map"}
