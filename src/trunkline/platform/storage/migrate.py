"""Brings a database to this version: roles, our tables, the job engine's tables. Safe to run any time, anywhere.

Runs without an event loop, as the user that owns the tables. Several at once wait for each other.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import alembic.command
import procrastinate.schema
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from trunkline.errors import SetupError, Unavailable
from trunkline.platform.storage import migrations
from trunkline.platform.storage.policies import create_roles, grant_work
from trunkline.platform.storage.url import psycopg_url

_LOCK = 0x7472756E6B  # "trunk"; an advisory lock number of our own
_OLDEST_SERVER = 15
_NOTIFIES = "procrastinate_jobs_notify_queue_job_inserted_v1"


def upgrade(owner_url: str) -> None:
    """Applies what is missing and returns when the database fits this version.

    Raises:
        SetupError: the server is too old, lacks an extension, or the user may not create roles or tables.
        Unavailable: the server cannot be reached.
    """
    with _connected(owner_url) as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        _check_server(connection)
        create_roles(connection)
        connection.commit()
        alembic.command.upgrade(_config(connection), "head")
        connection.commit()
        _upgrade_work(connection)
        connection.commit()


def is_current(owner_url: str) -> bool:
    """Whether nothing is left to apply. Raises like `upgrade`."""
    with _connected(owner_url) as connection:
        applied = MigrationContext.configure(connection).get_current_revision()
        head = ScriptDirectory.from_config(_config(connection)).get_current_head()
        return applied == head and _work_version(connection) == f"procrastinate {version('procrastinate')}"


@contextmanager
def _connected(owner_url: str) -> Iterator[Connection]:
    engine = create_engine(psycopg_url(owner_url), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except OperationalError as error:
        said = " ".join(str(error.orig).split())  # libpq writes several lines
        raise Unavailable(
            f"The database cannot be reached ({said}). Check DATABASE_URL and that PostgreSQL runs."
        ) from error
    except DBAPIError as error:
        raise SetupError(
            f"The database could not be brought to this version: {error.orig}. The user in the URL must own the "
            "database and have CREATEROLE, or an administrator must create the roles trunkline_app and "
            "trunkline_system, grant them to it, and create the extensions pg_trgm and vector."
        ) from error
    finally:
        engine.dispose()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(str(migrations.__file__)).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _check_server(connection: Connection) -> None:
    major = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    if major < _OLDEST_SERVER:
        raise SetupError(
            f"The database is PostgreSQL {major}; Trunkline needs {_OLDEST_SERVER} or later. Upgrade it, or leave "
            "DATABASE_URL unset to use the embedded one."
        )


def _upgrade_work(connection: Connection) -> None:
    """procrastinate ships one whole schema, and one file a change since; the table's comment says what is there."""
    installed = version("procrastinate")
    present = _work_version(connection)
    if present is None:
        _run_script(connection, procrastinate.schema.SchemaManager.get_schema())
    else:
        for path in sorted(Path(procrastinate.schema.SchemaManager.get_migrations_path()).glob("*.sql")):
            if _numbers(present) < _numbers(path.name) <= _numbers(installed):
                _run_script(connection, path.read_text(encoding="utf-8"))
    # It would notify within the transaction that defers a job; whoever defers announces it instead (`announcements.py`).
    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {_NOTIFIES} ON procrastinate_jobs")
    connection.exec_driver_sql(f"COMMENT ON TABLE procrastinate_jobs IS 'procrastinate {installed}'")
    grant_work(connection)


def _work_version(connection: Connection) -> str | None:
    comment: str | None = connection.exec_driver_sql(
        "SELECT obj_description(to_regclass('procrastinate_jobs'), 'pg_class')"
    ).scalar_one()
    return comment


def _numbers(name: str) -> tuple[int, ...]:
    """(3, 4, 0) of `procrastinate 3.4.0` or `03.04.00_01_pre_add_….sql`."""
    return tuple(int(part) for part in re.findall(r"\d+", name)[:3])


def _run_script(connection: Connection, script: str) -> None:
    """Many statements at once: past SQLAlchemy, which would take % for a placeholder."""
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(script)
