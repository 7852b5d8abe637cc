from workbench.workspaces import Role, default_workspace, first_start, roles_of, usable_key, user


def test_the_first_start_makes_an_owner_a_workspace_and_a_key(machine):
    with machine.store.reading() as db:
        workspace = default_workspace(db)
        assert user(db, machine.first.user_id).machine_owner
        assert workspace.workspace_id == machine.first.workspace_id
        assert roles_of(db, workspace.workspace_id, machine.first.user_id) == {Role.OWNER}
        assert usable_key(db, machine.vault, machine.first.user_id) == machine.first.key


def test_a_later_start_changes_nothing(machine):
    with machine.store.transaction() as db:
        assert first_start(db, machine.vault, "root", 0, 0, now=machine.clock()) is None
        assert db["users"].count == 1


def test_a_copy_of_the_database_shows_no_secret(machine):
    assert machine.first.key.secret.encode() not in machine.store.path.read_bytes()
