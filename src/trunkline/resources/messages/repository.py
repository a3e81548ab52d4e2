"""Messages in the database."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.messages.models import Message


class MessageRepository:
    """The messages of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def add(self, **values: Any) -> Message | None:
        """A new message; None where its run, or its provider's id, is there already."""
        statement = insert(Message).values(workspace_id=self._workspace, **values).on_conflict_do_nothing()
        return (await self._session.scalars(statement.returning(Message))).one_or_none()

    async def of_run(self, run_id: str) -> Message | None:
        """What this run sent, or began to send."""
        query = select(Message).where(Message.workspace_id == self._workspace, Message.run_id == run_id)
        return (await self._session.scalars(query)).one_or_none()

    async def settle(self, message_id: UUID, **values: Any) -> None:
        """Write down what came of sending it."""
        mine = Message.workspace_id == self._workspace, Message.id == message_id
        await self._session.execute(update(Message).where(*mine).values(**values))

    async def get(self, message_id: UUID) -> Message | None:
        """A message."""
        query = select(Message).where(Message.workspace_id == self._workspace, Message.id == message_id)
        return (await self._session.scalars(query)).one_or_none()

    async def last_sent(self, channel: str, ours: str, theirs: str) -> Message | None:
        """What went from one number to another last."""
        query = (
            select(Message)
            .where(
                Message.workspace_id == self._workspace,
                Message.number_from == ours,
                Message.number_to == theirs,
                Message.channel == channel,
                Message.status.in_(("sent", "begun")),
            )
            .order_by(Message.created_at.desc())
            .limit(1)
        )
        return (await self._session.scalars(query)).one_or_none()

    async def reply(self, channel: str, theirs: str, ours: str, since: datetime) -> str | None:
        """The first text that came from one number to another after that time."""
        query = (
            select(Message.text)
            .where(
                Message.workspace_id == self._workspace,
                Message.number_from == theirs,
                Message.number_to == ours,
                Message.channel == channel,
                Message.status == "received",
                Message.created_at > since,
            )
            .order_by(Message.created_at)
            .limit(1)
        )
        return (await self._session.scalars(query)).one_or_none()
