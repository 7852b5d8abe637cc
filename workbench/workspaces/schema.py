"""The tables behind workspaces and identity, and how older files come to have them.

A released migration is never edited: a change is one more function at the end.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

MIGRATIONS = Migrations("workspaces")


def next_id(db: Database, kind: str) -> str:
    """A decimal id that this database never gave out before, not even to something deleted."""
    row = db.execute(
        "INSERT INTO ids (kind, last) VALUES (?, 1) ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
        [kind],
    ).fetchone()
    return str(row[0])


@MIGRATIONS()
def create_identity(db: Database) -> None:
    db.execute("CREATE TABLE ids (kind TEXT PRIMARY KEY, last INTEGER NOT NULL)")
    db.execute(
        "CREATE TABLE users (user_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
        " unix_uid INTEGER NOT NULL UNIQUE, unix_gid INTEGER NOT NULL, machine_owner INTEGER NOT NULL,"
        " enabled INTEGER NOT NULL, created_at TEXT NOT NULL)"
    )
    db.execute("CREATE UNIQUE INDEX one_machine_owner ON users (machine_owner) WHERE machine_owner")
    db.execute(
        "CREATE TABLE access_keys (access_key_id TEXT PRIMARY KEY, sealed_secret TEXT NOT NULL,"
        " user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE, enabled INTEGER NOT NULL,"
        " created_at TEXT NOT NULL, last_used_at TEXT)"
    )
    db.execute("CREATE INDEX access_keys_of_a_user ON access_keys (user_id, created_at)")
    db.execute(
        "CREATE TABLE tokens (token_id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE,"
        " user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE, description TEXT NOT NULL,"
        " created_at TEXT NOT NULL, expires_at TEXT NOT NULL, last_used_at TEXT)"
    )
    db.execute("CREATE INDEX tokens_of_a_user ON tokens (user_id, created_at)")


@MIGRATIONS()
def create_workspaces(db: Database) -> None:
    db.execute(
        "CREATE TABLE workspaces (workspace_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
        " display_name TEXT NOT NULL, description TEXT NOT NULL, creator TEXT NOT NULL,"
        " is_default INTEGER NOT NULL, created_at TEXT NOT NULL, modified_at TEXT NOT NULL)"
    )
    db.execute("CREATE UNIQUE INDEX one_default_workspace ON workspaces (is_default) WHERE is_default")
    db.execute(
        "CREATE TABLE members (workspace_id TEXT NOT NULL REFERENCES workspaces ON DELETE CASCADE,"
        " user_id TEXT NOT NULL REFERENCES users, created_at TEXT NOT NULL,"
        " PRIMARY KEY (workspace_id, user_id)) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE member_roles (workspace_id TEXT NOT NULL, user_id TEXT NOT NULL, role TEXT NOT NULL,"
        " PRIMARY KEY (workspace_id, user_id, role),"
        " FOREIGN KEY (workspace_id, user_id) REFERENCES members ON DELETE CASCADE) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX roles_of_a_user ON member_roles (user_id, workspace_id, role)")
    db.execute(
        "CREATE UNIQUE INDEX one_workspace_owner ON member_roles (workspace_id)"
        " WHERE role = 'PAI.WorkspaceOwner'"
    )


@MIGRATIONS()
def remember_deleted_workspaces(db: Database) -> None:
    db.execute(
        "CREATE TABLE deleted_workspaces (workspace_id TEXT PRIMARY KEY, name TEXT NOT NULL,"
        " creator TEXT NOT NULL, deleted_at TEXT NOT NULL)"
    )


@MIGRATIONS()
def list_members_by_age(db: Database) -> None:
    db.execute("CREATE INDEX members_by_age ON members (workspace_id, created_at, user_id)")


@MIGRATIONS()
def let_users_leave(db: Database) -> None:
    db.execute("ALTER TABLE users ADD COLUMN removed_at TEXT")


@MIGRATIONS()
def create_work(db: Database) -> None:
    db.execute(
        "CREATE TABLE work (kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,"
        " workspace_id TEXT NOT NULL, user_id TEXT NOT NULL, pool TEXT NOT NULL, cpus REAL NOT NULL,"
        " memory_bytes INTEGER NOT NULL, gpus INTEGER NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX work_in_a_workspace ON work (workspace_id)")
    db.execute("CREATE INDEX work_of_a_user ON work (user_id)")
    db.execute(
        "CREATE TABLE quotas (workspace_id TEXT PRIMARY KEY REFERENCES workspaces ON DELETE CASCADE,"
        " cpus REAL, memory_bytes INTEGER, gpus INTEGER, notebooks INTEGER, jobs INTEGER, services INTEGER,"
        " disk_bytes INTEGER)"
    )


@MIGRATIONS()
def create_configs(db: Database) -> None:
    db.execute(
        "CREATE TABLE configs (workspace_id TEXT NOT NULL REFERENCES workspaces ON DELETE CASCADE,"
        " key TEXT NOT NULL, category TEXT NOT NULL, value TEXT NOT NULL, labels TEXT NOT NULL,"
        " created_at TEXT NOT NULL, modified_at TEXT NOT NULL, PRIMARY KEY (workspace_id, category, key))"
        " WITHOUT ROWID"
    )


@MIGRATIONS()
def create_pools(db: Database) -> None:
    db.execute(
        "CREATE TABLE pools (name TEXT PRIMARY KEY COLLATE NOCASE, description TEXT NOT NULL,"
        " cpus REAL NOT NULL, memory_bytes INTEGER NOT NULL, gpus INTEGER NOT NULL, kinds TEXT NOT NULL,"
        " draining INTEGER NOT NULL, created_at TEXT NOT NULL)"
    )
    db.execute(
        "CREATE TABLE pool_workspaces (pool TEXT NOT NULL REFERENCES pools ON DELETE CASCADE,"
        " workspace_id TEXT NOT NULL REFERENCES workspaces ON DELETE CASCADE,"
        " PRIMARY KEY (pool, workspace_id)) WITHOUT ROWID"
    )


@MIGRATIONS()
def create_tags(db: Database) -> None:
    db.execute(
        "CREATE TABLE tags (kind TEXT NOT NULL, id TEXT NOT NULL, workspace_id TEXT NOT NULL,"
        " key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, id, key)) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX resources_by_tag ON tags (key, value, workspace_id, kind, id)")


@MIGRATIONS()
def create_audit(db: Database) -> None:
    db.execute(
        "CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL,"
        " user_id TEXT NOT NULL, user_name TEXT NOT NULL, access_key_id TEXT NOT NULL, source TEXT NOT NULL,"
        " operation TEXT NOT NULL, event TEXT NOT NULL, resource_type TEXT NOT NULL,"
        " resource_id TEXT NOT NULL, workspace_id TEXT NOT NULL, level TEXT NOT NULL,"
        " status INTEGER NOT NULL, code TEXT NOT NULL, request_id TEXT NOT NULL)"
    )
    for column in ("time", "user_id", "operation", "resource_id", "workspace_id", "level"):
        db.execute(f"CREATE INDEX audit_by_{column} ON audit ({column}, number)")
    db.execute("CREATE TABLE audit_retention (days INTEGER NOT NULL)")
    db.execute("INSERT INTO audit_retention (days) VALUES (365)")
    # Whatever the code does: what was written stays as it was until its time is over.
    db.execute(
        "CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit"
        " BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END"
    )
    db.execute(
        "CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit"
        " WHEN julianday(OLD.time) > julianday('now') - (SELECT days FROM audit_retention)"
        " BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END"
    )


@MIGRATIONS()
def list_workspaces_by_age(db: Database) -> None:
    db.execute("CREATE INDEX workspaces_by_age ON workspaces (created_at, workspace_id)")


@MIGRATIONS()
def count_disk_usage(db: Database) -> None:
    db.execute(
        "CREATE TABLE disk_usage (workspace_id TEXT PRIMARY KEY, disk_bytes INTEGER NOT NULL,"
        " counted_at TEXT NOT NULL, due_at TEXT NOT NULL) WITHOUT ROWID"
    )


@MIGRATIONS()
def list_workspaces_of_a_member(db: Database) -> None:
    db.execute("CREATE INDEX members_of_a_user ON members (user_id, workspace_id)")
    db.execute("CREATE INDEX workspaces_by_change ON workspaces (modified_at, workspace_id)")
    db.execute("CREATE INDEX members_by_role ON member_roles (workspace_id, role, user_id)")


@MIGRATIONS()
def end_tokens_with_the_one_they_were_made_with(db: Database) -> None:
    db.execute("ALTER TABLE tokens ADD COLUMN made_with TEXT REFERENCES tokens ON DELETE CASCADE")
    db.execute("CREATE INDEX tokens_made_with_a_token ON tokens (made_with)")


@MIGRATIONS()
def say_in_the_audit_log_what_was_done(db: Database) -> None:
    db.execute("ALTER TABLE audit ADD COLUMN detail TEXT NOT NULL DEFAULT ''")


@MIGRATIONS()
def keep_lines_of_changes_that_are_under_way(db: Database) -> None:
    db.execute("CREATE TABLE audit_begun (request_id TEXT PRIMARY KEY, line TEXT NOT NULL) WITHOUT ROWID")
