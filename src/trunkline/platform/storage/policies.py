"""Who may touch which table; called by the migrations that create them."""

from sqlalchemy import Connection, text

from trunkline.platform.storage.database import APP_ROLE, SYSTEM_ROLE

_WORKSPACE = "NULLIF(current_setting('app.workspace', true), '')::uuid"
"""Unset is NULL, which equals nothing: no rows."""


def create_roles(connection: Connection) -> None:
    """The two roles that transactions run under. They cannot log in; whoever migrates must be a member of both."""
    for role in (APP_ROLE, SYSTEM_ROLE):
        # An administrator may have made the roles before, and given them to a user who can give them to nobody.
        known = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
        if known.one_or_none() is None:
            connection.exec_driver_sql(f"CREATE ROLE {role} NOLOGIN")
        connection.exec_driver_sql(
            f"DO $$ BEGIN GRANT {role} TO CURRENT_USER; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
        )
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {role}")
        connection.exec_driver_sql(f"SET LOCAL ROLE {role}")  # fails here rather than in every transaction
        connection.exec_driver_sql("RESET ROLE")


def guard_by_workspace(connection: Connection, table: str, column: str = "workspace_id") -> None:
    """`table` shows the app role only rows whose `column` is the transaction's workspace, and takes no others."""
    own = f"{column} = {_WORKSPACE}"
    for statement in (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY app ON {table} TO {APP_ROLE} USING ({own}) WITH CHECK ({own})",
        f"CREATE POLICY system ON {table} TO {SYSTEM_ROLE} USING (true) WITH CHECK (true)",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP_ROLE}, {SYSTEM_ROLE}",
    ):
        connection.exec_driver_sql(statement)


def guard_for_system(connection: Connection, table: str) -> None:
    """`table` is the system role's alone."""
    connection.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {SYSTEM_ROLE}")


def grant_work(connection: Connection) -> None:
    """The job engine's tables: the app role may only defer; the system role does all the rest."""
    for statement in (
        f"GRANT INSERT, SELECT (id) ON procrastinate_jobs TO {APP_ROLE}",
        f"GRANT INSERT ON procrastinate_events TO {APP_ROLE}",  # by a trigger on procrastinate_jobs
        f"GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq TO {APP_ROLE}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events, "
        f"procrastinate_workers, procrastinate_periodic_defers TO {SYSTEM_ROLE}",
        f"GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq, "
        f"procrastinate_periodic_defers_id_seq TO {SYSTEM_ROLE}",
    ):
        connection.exec_driver_sql(statement)
