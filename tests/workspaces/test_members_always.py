"""Whatever is done to members, in whatever order and by whom, some things always hold."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlite_utils import Database

from workbench.errors import Forbidden, WorkbenchError
from workbench.wire.call import Caller
from workbench.workspaces import MIGRATIONS, Role, members, permissions, records, require, users
from workbench.workspaces.permissions import PERMISSIONS, InWorkspace

NOW = datetime(2026, 5, 4, tzinfo=UTC)
USERS = st.integers(1, 4).map(str)
ROLES = st.sampled_from(sorted(Role))
IN_WORKSPACE = sorted(name for name, rule in PERMISSIONS.items() if isinstance(rule, InWorkspace))


class Membership(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.db = Database(memory=True)
        self.db.conn.row_factory = sqlite3.Row
        self.db.execute("PRAGMA foreign_keys = ON")
        MIGRATIONS.apply(self.db)
        for number in range(1, 5):
            users.add(self.db, name=f"u{number}", unix_uid=number, unix_gid=number, now=NOW)
        self.id = records.create(self.db, name="vision", creator="1", now=NOW).workspace_id
        members.enrol(self.db, self.id, "1", [Role.OWNER], now=NOW)

    def attempt(self, change) -> None:
        try:
            with self.db.atomic():
                change()
        except WorkbenchError:
            pass  # refused: what holds must hold all the same

    def authority(self, actor: str) -> frozenset[Role]:
        require(self.db, Caller(user_id=actor, name=actor), self.id, "CreateMember")
        return members.roles_of(self.db, self.id, actor)

    @rule(actor=USERS, user=USERS, roles=st.frozensets(ROLES, max_size=3))
    def add(self, actor, user, roles) -> None:
        self.attempt(lambda: members.add(self.db, self.authority(actor), self.id, user, roles, now=NOW))

    @rule(actor=USERS, user=USERS, role=ROLES)
    def add_role(self, actor, user, role) -> None:
        self.attempt(
            lambda: members.add_role(
                self.db, self.authority(actor), members.get(self.db, self.id, user_id=user), role
            )
        )

    @rule(actor=USERS, user=USERS, role=ROLES)
    def remove_role(self, actor, user, role) -> None:
        self.attempt(
            lambda: members.remove_role(
                self.db, self.authority(actor), members.get(self.db, self.id, user_id=user), role
            )
        )

    @rule(actor=USERS, user=USERS)
    def remove(self, actor, user) -> None:
        self.attempt(
            lambda: members.remove(
                self.db, self.authority(actor), members.get(self.db, self.id, user_id=user)
            )
        )

    @rule(user=USERS)
    def remove_user(self, user) -> None:
        self.attempt(lambda: users.remove(self.db, users.get(self.db, user), now=NOW))

    @invariant()
    def there_is_one_owner_who_made_it(self) -> None:
        rows = self.db.execute("SELECT user_id FROM member_roles WHERE role = ?", [Role.OWNER])
        assert [row[0] for row in rows] == ["1"]

    @invariant()
    def every_member_has_a_role_and_every_role_a_member(self) -> None:
        has_role = {row[0] for row in self.db.execute("SELECT user_id FROM member_roles")}
        assert has_role == {row[0] for row in self.db.execute("SELECT user_id FROM members")}

    @invariant()
    def nobody_may_anything_without_being_a_member(self) -> None:
        for user in ("2", "3", "4"):
            roles = members.roles_of(self.db, self.id, user)
            caller = Caller(user_id=user, name=user)
            for operation in IN_WORKSPACE:
                try:
                    require(self.db, caller, self.id, operation, owner_id="1")
                    allowed = True
                except (Forbidden, records.WorkspaceNotFound) as refusal:
                    allowed = False
                    assert isinstance(refusal, Forbidden) == bool(roles)
                assert allowed == permissions.may(roles, operation, own=False)


Membership.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
test_members_always = Membership.TestCase
