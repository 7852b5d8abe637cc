import os
import signal
import sqlite3
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context

import pytest

from workbench.api import Outcome, Server, application
from workbench.client import Client, DaemonAway
from workbench.errors import Conflict, Forbidden, NotFound
from workbench.wire.operations import operation
from workbench.workspaces import Auditor, Place, Role, audit
from workbench.workspaces.audit import Level, Query
from workbench.workspaces.audit_events import entry_of

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def an_outcome(action="CreateInstance", service="dsw", **changes):
    asked = operation(service, action)
    return Outcome(
        **{
            "request_id": "R-1",
            "source": "10.0.0.9",
            "verb": asked.verb,
            "path": asked.path,
            "operation": asked,
            "fields": {},
            "answer": {},
            **changes,
        }
    )


def an_entry(**changes):
    good = entry_of(an_outcome(), NOW)
    return replace(good, **changes)


def test_a_change_is_on_record_with_who_where_what_and_how_it_ended(machine):
    ada = replace(machine.join(Role.DEVELOPER, 2001), access_key_id="WB1", source="10.0.0.9")
    Auditor(machine.store, machine.clock)(
        an_outcome(
            caller=ada,
            fields={"WorkspaceId": "1", "InstanceName": "train"},
            answer={"InstanceId": "dsw-1"},
        )
    )

    (line,) = machine.ask(machine.owner, "ListAuditEntries")["Entries"]
    assert line == {
        "Number": 1,
        "Time": "2026-05-04T12:00:00.000Z",
        "UserId": ada.user_id,
        "UserName": "user2001",
        "AccessKeyId": "WB1",
        "Source": "10.0.0.9",
        "Operation": "CreateInstance",
        "Event": "createNotebook",
        "ResourceType": "Notebook",
        "ResourceId": "dsw-1",
        "Detail": "InstanceName=train",
        "WorkspaceId": "1",
        "Level": "normal",
        "Status": 200,
        "Code": "",
        "RequestId": "R-1",
    }


@pytest.mark.parametrize(
    ("service", "action", "fields", "on", "detail"),
    [
        (
            "aiworkspace",
            "AddMemberRole",
            {"workspace_id": "1", "member_id": "1-2", "role_name": "PAI.WorkspaceAdmin"},
            "1-2",
            "PAI.WorkspaceAdmin",
        ),
        (
            "aiworkspace",
            "RemoveMemberRole",
            {"workspace_id": "1", "member_id": "1-2", "role_name": "PAI.AlgoDeveloper"},
            "1-2",
            "PAI.AlgoDeveloper",
        ),
        (
            "aiworkspace",
            "CreateMember",
            {
                "workspace_id": "1",
                "Members": [{"UserId": "2", "Roles": ["PAI.WorkspaceAdmin"]}, {"UserId": "3", "Roles": []}],
            },
            "1-2,1-3",
            "1-2: PAI.WorkspaceAdmin; 1-3: ",
        ),
        ("aiworkspace", "DeleteMembers", {"workspace_id": "1", "MemberIds": "1-2,1-3"}, "1-2,1-3", ""),
        ("dsw", "GetToken", {"InstanceId": "dsw-1"}, "dsw-1", ""),
        ("workbench", "UpdateUser", {"user_id": "2", "Enabled": False}, "2", "Enabled=false"),
        ("workbench", "UpdateUser", {"user_id": "2"}, "2", "Enabled=true"),
        ("workbench", "UpdateAccessKey", {"access_key_id": "WB1", "Enabled": False}, "WB1", "Enabled=false"),
        ("workbench", "CreatePool", {"Name": "gpu", "Gpus": 2}, "gpu", "Gpus=2"),
        (
            "workbench",
            "TagResource",
            {"kind": "notebook", "resource_id": "dsw-1", "Tags": {"k": "v" * 300}},
            "dsw-1",
            'notebook; Tags={"k": "' + "v" * 177 + "…",
        ),
    ],
)
def test_a_line_says_on_whom_and_what(service, action, fields, on, detail):
    entry = entry_of(an_outcome(action, service, fields=fields), NOW)

    assert (entry.resource_id, entry.detail) == (on, detail)


def test_what_happens_to_a_notebook_is_on_record_in_its_workspace(machine):
    machine.places["dsw-1"] = Place(workspace_id="1", owner_id="1")
    stop = an_outcome("StopInstance", caller=machine.owner, fields={"instance_id": "dsw-1"})
    Auditor(machine.store, machine.clock, [machine.residents])(stop)

    (line,) = machine.ask(machine.owner, "ListAuditEntries", WorkspaceId="1")["Entries"]
    assert (line["Event"], line["ResourceId"]) == ("stopNotebook", "dsw-1")


@pytest.mark.parametrize(
    ("status", "code", "level"),
    [(403, "Forbidden", Level.WARNING), (404, "WorkspaceNotFound", Level.WARNING)],
)
def test_a_refusal_is_on_record_even_of_a_reading(machine, status, code, level):
    outcome = an_outcome("GetInstance", caller=machine.owner, status=status, code=code)
    assert entry_of(outcome, NOW).level == level


def test_a_stranger_at_the_door_is_an_incident():
    entry = entry_of(an_outcome("ListInstances", status=400, code="SignatureDoesNotMatch"), NOW)

    assert (entry.level, entry.user_id, entry.source) == (Level.INCIDENT, "", "10.0.0.9")


def test_strangers_cannot_fill_the_log(machine):
    auditor = Auditor(machine.store, machine.clock)
    for _ in range(100):
        auditor(an_outcome(status=400, code="SignatureDoesNotMatch"))
    auditor(an_outcome(status=400, code="SignatureDoesNotMatch", source="10.0.0.10"))

    entries = machine.ask(machine.owner, "ListAuditEntries")["Entries"]
    assert [each["Source"] for each in entries] == ["10.0.0.10"] + ["10.0.0.9"] * 10


def test_a_plain_reading_is_not_on_record_but_a_handed_out_secret_is(machine):
    assert entry_of(an_outcome("ListInstances", caller=machine.owner), NOW) is None
    assert entry_of(an_outcome("GetConnection", "workbench", caller=machine.owner), NOW) is not None


def test_no_secret_of_a_request_or_an_answer_reaches_the_log(machine):
    entry = entry_of(
        an_outcome(
            "EnterNotebook",
            "workbench",
            caller=machine.owner,
            fields={"instance_id": "dsw-1", "ticket": "secret"},
        ),
        NOW,
    )
    made = entry_of(
        an_outcome(
            "CreateAccessKey", "workbench", answer={"AccessKeyId": "WB1", "AccessKeySecret": "secret"}
        ),
        NOW,
    )

    assert (entry.resource_id, made.resource_id) == ("dsw-1", "WB1")
    assert "secret" not in f"{entry}{made}"


def test_the_log_can_be_neither_changed_nor_shortened(machine):
    with machine.store.transaction() as db:
        audit.write(db, an_entry(time=datetime.now(UTC)))
    for statement in (
        "UPDATE audit SET user_id = 'x'",
        "DELETE FROM audit",
        "REPLACE INTO audit SELECT * FROM audit",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"), machine.store.transaction() as db:
            db.execute(statement)


def test_lines_whose_time_is_over_go(machine):
    today = datetime.now(UTC)
    with machine.store.transaction() as db:
        audit.keep_for(db, 30)
        audit.write(db, an_entry(time=today - timedelta(days=31), request_id="old"))
        audit.write(db, an_entry(time=today - timedelta(days=29), request_id="young"))
        audit.write(db, an_entry(time=today, request_id="new"))
        left = [each.request_id for each in audit.search(db, Query(), limit=10)]

    assert left == ["new", "young"]


def test_a_line_is_in_a_range_that_ends_with_the_time_it_is_told_with(machine):
    with machine.store.transaction() as db:
        audit.write(db, an_entry(time=NOW + timedelta(seconds=0.7006)))
    told = machine.ask(machine.owner, "ListAuditEntries")["Entries"][0]["Time"]

    for until in (told, told[:19] + "Z"):
        assert machine.ask(machine.owner, "ListAuditEntries", Until=until)["Entries"], until


def test_lines_are_found_by_time_user_operation_resource_and_level(machine):
    with machine.store.transaction() as db:
        for hour in range(10):
            audit.write(
                db,
                an_entry(
                    time=NOW + timedelta(hours=hour),
                    user_id=str(hour % 2),
                    operation="StopInstance" if hour < 5 else "DeleteInstance",
                    resource_id=f"dsw-{hour % 3}",
                    level=Level.WARNING if hour == 4 else Level.NORMAL,
                ),
            )

    def hours(**asked):
        with machine.store.reading() as db:
            return [(each.time - NOW).seconds // 3600 for each in audit.search(db, Query(**asked), limit=10)]

    assert hours(since=NOW + timedelta(hours=7)) == [9, 8, 7]
    assert hours(until=NOW + timedelta(hours=2)) == [2, 1, 0]
    assert hours(since=NOW + timedelta(hours=40)) == []
    assert hours(user_id="1", operation="DeleteInstance") == [9, 7, 5]
    assert hours(resource_id="dsw-0", user_id="1") == [9, 3]
    assert hours(level=Level.WARNING) == [4]


def test_pages_follow_one_another_without_a_gap(machine):
    with machine.store.transaction() as db:
        for number in range(7):
            audit.write(db, an_entry(request_id=str(number)))
    seen, before = [], 0
    while True:
        asked = {"Limit": 3} | ({"Before": before} if before else {})
        answer = machine.ask(machine.owner, "ListAuditEntries", **asked)
        seen += [each["RequestId"] for each in answer["Entries"]]
        before = answer["NextBefore"]
        if not before:
            break

    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


def test_everybody_sees_their_own_lines_managers_their_workspaces_the_owner_all(machine):
    ada, admin = machine.join(Role.DEVELOPER, 2001), machine.join(Role.ADMIN, 2002)
    with machine.store.transaction() as db:
        audit.write(db, an_entry(user_id=ada.user_id, workspace_id="1", request_id="ada in 1"))
        audit.write(db, an_entry(user_id=admin.user_id, workspace_id="1", request_id="admin in 1"))
        audit.write(db, an_entry(user_id="9", workspace_id="2", request_id="elsewhere"))

    def seen(caller, **asked):
        entries = machine.ask(caller, "ListAuditEntries", **asked)["Entries"]
        return {each["RequestId"] for each in entries}

    assert seen(ada) == seen(ada, WorkspaceId="1") == {"ada in 1"}
    assert seen(admin, WorkspaceId="1") == {"ada in 1", "admin in 1"}
    assert seen(machine.owner) == {"ada in 1", "admin in 1", "elsewhere"}
    with pytest.raises(NotFound):
        seen(admin, WorkspaceId="2")
    with pytest.raises(Forbidden):
        seen(ada, UserId=admin.user_id)


def test_every_column_of_a_line_is_kept(machine):
    entry = an_entry(code="x", user_name="é", detail="Enabled=true")
    with machine.store.transaction() as db:
        audit.write(db, entry)
        assert audit.search(db, Query(), limit=1) == [replace(entry, number=1)]


def test_a_shell_that_a_killed_daemon_had_open_is_closed_on_record_by_the_next_one(machine):
    auditor = Auditor(machine.store, machine.clock)
    a_shell = an_outcome("OpenNotebookShell", "workbench", status=101, fields={"instance_id": "dsw-1"})
    auditor(a_shell)
    auditor(replace(a_shell, over=True))
    auditor(replace(a_shell, request_id="R-2"))
    machine.clock.move(hours=1)

    for _ in range(2):
        Auditor(machine.store, machine.clock).close_what_was_left()

    lines = machine.ask(machine.owner, "ListAuditEntries", ResourceId="dsw-1")["Entries"]
    assert [(each["Operation"], each["RequestId"], each["Code"]) for each in lines] == [
        ("CloseNotebookShell", "R-2", "DaemonEnded"),
        ("OpenNotebookShell", "R-2", ""),
        ("CloseNotebookShell", "R-1", ""),
        ("OpenNotebookShell", "R-1", ""),
    ]
    assert lines[0]["Time"] == "2026-05-04T13:00:00.000Z"


def killed_after_a_change(machine):
    """The real server, killed once something was changed and before its line was written."""
    auditor = Auditor(machine.store, machine.clock)

    def die(outcome):
        os.kill(os.getpid(), signal.SIGKILL)

    app = application(
        machine.parts, machine.routes, machine.authenticate, around=auditor.beginning, observe=die
    )
    folder = machine.store.path.parent
    server = Server(app, local=folder / "l.sock", public=folder / "p.sock")
    server.run(on_ready=(folder / "ready").touch)


def test_a_change_is_on_record_even_if_the_daemon_is_killed_right_after_it(machine):
    machine.store.close()
    daemon = get_context("fork").Process(target=killed_after_a_change, args=[machine])
    daemon.start()
    while not (machine.store.path.parent / "ready").exists():
        assert daemon.is_alive()
        time.sleep(0.01)
    with pytest.raises(DaemonAway):
        Client(machine.store.path.parent / "l.sock").call(operation("workbench", "CreateUser"), Name="ada")
    daemon.join()

    for _ in range(2):
        Auditor(machine.store, machine.clock).close_what_was_left()

    assert machine.ask(machine.owner, "ListUsers", Name="ada")["TotalCount"] == 1
    (line,) = machine.ask(machine.owner, "ListAuditEntries")["Entries"]
    assert [line[name] for name in ("UserName", "Operation", "Detail", "Code", "Time")] == [
        "root",
        "CreateUser",
        "Name=ada",
        "DaemonEnded",
        "2026-05-04T12:00:00.000Z",
    ]


def test_what_was_answered_is_on_record_once(machine):
    auditor = Auditor(machine.store, machine.clock)
    done = an_outcome("CreateUser", "workbench", caller=machine.owner, fields={"Name": "ada"})
    with auditor.beginning(done):
        machine.ask(machine.owner, "CreateUser", Name="ada")
    auditor(done)
    with pytest.raises(Conflict), auditor.beginning(replace(done, request_id="R-2")):
        machine.ask(machine.owner, "CreateUser", Name="Ada", UnixUid=2001)

    auditor.close_what_was_left()

    assert [each["Code"] for each in machine.ask(machine.owner, "ListAuditEntries")["Entries"]] == [""]
