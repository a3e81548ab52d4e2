"""Transactions on PostgreSQL, each under the role that may do what it is for.

`Database.workspace(id)` sees and writes one workspace's rows (role `trunkline_app`, row-level security);
`Database.system()` serves the short list of `system.py` and background work (role `trunkline_system`).
There is no third way in.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import DateTime, MetaData, Text, Uuid, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

from trunkline.errors import SetupError, Unavailable
from trunkline.platform.storage.announcements import Announcer, announced
from trunkline.platform.storage.url import asyncpg_url

APP_ROLE = "trunkline_app"
SYSTEM_ROLE = "trunkline_system"

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30

_AWAY = "The database cannot be reached. Nothing was saved; try again in a few seconds."
_BUSY = "The database has no free connection. Nothing was saved; try again in a few seconds."


class Base(DeclarativeBase):
    """Base of every row. JSON columns do not notice changes inside: assign a new value."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a plain attribute
        str: Text(),
        UUID: Uuid(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
    }


class Database:
    """The pool of one process; belongs to the event loop that first uses it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._announcer = Announcer(engine)
        event.listen(engine.sync_engine, "handle_error", _name_connection_loss)
        event.listen(engine.sync_engine, "invalidate", _drop)

    @classmethod
    def connect(cls, url: str, pool_size: int = 10, *, durable: bool = True) -> "Database":
        """A pool of at most `pool_size` connections to `url`; opens none yet.

        Not `durable`: commits wait for no disk, so the last half second of them may be gone after the server has died.

        Raises SetupError when `url` is no PostgreSQL URL.
        """
        engine = create_async_engine(
            asyncpg_url(url),
            pool_size=pool_size,
            max_overflow=0,
            hide_parameters=True,  # errors are logged, and values are people's
            pool_timeout=CONNECT_SECONDS,
            connect_args={
                "timeout": CONNECT_SECONDS,
                "command_timeout": STATEMENT_SECONDS,
                "server_settings": {"application_name": "trunkline", "jit": "off"}
                | ({} if durable else {"synchronous_commit": "off"}),
            },
        )
        return cls(engine)

    @asynccontextmanager
    async def workspace(self, workspace_id: UUID) -> AsyncIterator[AsyncSession]:
        """One transaction that sees this workspace only; commits on leaving, rolls back on an error.

        Raises Unavailable when the connection is lost or none is free.
        """
        async with self._transaction(APP_ROLE, str(workspace_id)) as session:
            yield session

    @asynccontextmanager
    async def system(self) -> AsyncIterator[AsyncSession]:
        """One transaction across workspaces, for `system.py` and background work; else like `workspace`."""
        async with self._transaction(SYSTEM_ROLE, "") as session:
            yield session

    @asynccontextmanager
    async def _transaction(self, role: str, workspace: str) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self._engine, expire_on_commit=False) as session:
            try:
                await _enter(session, role, workspace)
            except Unavailable as error:
                if isinstance(error.__cause__, PoolTimeout):
                    raise
                # Perhaps only the pooled connection had died; the failure has emptied the pool.
                await session.rollback()
                await _enter(session, role, workspace)
            yield session
            await session.commit()
            self._announcer.tell(announced(session))

    async def ping(self) -> None:
        """One round trip as the system role. Raises Unavailable."""
        async with self.system() as session:
            await session.execute(text("SELECT 1"))

    async def check_login(self) -> None:
        """Raises SetupError when the login role is a superuser or may bypass row-level security."""
        async with self.system() as session:
            row = (await session.execute(_LOGIN)).one()
        if row.rolsuper or row.rolbypassrls:
            raise SetupError(
                f"The database user {row.rolname} is a superuser or may bypass row-level security, so workspaces "
                "would not be kept apart. Put a plain user into DATABASE_URL that owns its database, made by: "
                "CREATE ROLE trunkline LOGIN CREATEROLE PASSWORD '…'; CREATE DATABASE trunkline OWNER trunkline;"
            )

    async def close(self) -> None:
        """Gives all connections back; afterwards the next use would open new ones."""
        await self._announcer.close()
        await self._engine.dispose()


_ENTER = text("SELECT set_config('role', :role, true), set_config('app.workspace', :workspace, true)")
_LOGIN = text("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = session_user")


async def _enter(session: AsyncSession, role: str, workspace: str) -> None:
    """Begins the transaction and takes its role: one round trip, the same as SET LOCAL of both."""
    try:
        await session.execute(_ENTER, {"role": role, "workspace": workspace})
    except PoolTimeout as error:
        raise Unavailable(_BUSY) from error
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:  # of connecting, which nobody wraps
        raise Unavailable(_AWAY) from error


def _drop(connection: DBAPIConnection, _: ConnectionPoolEntry, __: BaseException | None) -> None:
    """Close it without a word: the polite way, which comes next, waits for a server that may be silent."""
    connection.driver_connection.terminate()


def _name_connection_loss(context: ExceptionContext) -> Unavailable | None:
    """The database went away, as against a statement that was wrong."""
    error = context.original_exception
    if not isinstance(error, Exception):
        return None  # a cancellation: it costs the connection as well, but it must reach whoever waits for it
    state = getattr(error, "sqlstate", None)
    # 08 connection exception, 57P shutdown or starting up, 53300 too many connections.
    named = isinstance(state, str) and (state.startswith(("08", "57P")) or state == "53300")
    if not (context.is_disconnect or named or isinstance(error, OSError | TimeoutError)):
        return None
    context.is_disconnect = True
    return Unavailable(_AWAY)
