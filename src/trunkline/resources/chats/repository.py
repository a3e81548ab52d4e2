"""Chats in the database."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.chats.models import Chat, ChatMessage
from trunkline.resources.chats.talks import remember_later

LONGEST_ID = 255


def is_id(text: str) -> bool:
    """Whether a chat may have this id."""
    return 1 <= len(text) <= LONGEST_ID and text.isprintable()


class ChatRepository:
    """The chats of one workspace, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID) -> None:
        self._session = session
        self._workspace = workspace_id

    async def add(self, chat: Chat) -> bool:
        """Store a new chat; False if its id is in use."""
        chat.workspace_id = self._workspace
        try:
            async with self._session.begin_nested():
                self._session.add(chat)
        except IntegrityError:
            return False
        return True

    async def get(self, chat_id: str) -> Chat | None:
        """A chat."""
        if not is_id(chat_id):
            return None
        return await self._session.get(Chat, (self._workspace, chat_id))

    async def messages(self, chat: Chat) -> Sequence[ChatMessage]:
        """What was written in a chat, in order."""
        query = select(ChatMessage).where(
            ChatMessage.workspace_id == self._workspace, ChatMessage.chat_id == chat.id
        )
        return (await self._session.scalars(query.order_by(ChatMessage.seq))).all()

    async def add_message(
        self, chat: Chat, seq: int, turn: int, message: dict[str, Any], request: str | None = None
    ) -> ChatMessage:
        """Store the next message of a chat."""
        row = ChatMessage(
            workspace_id=self._workspace,
            chat_id=chat.id,
            seq=seq,
            turn=turn,
            message=message,
            request=request,
            created_at=datetime.now(UTC),
        )
        self._session.add(row)
        await self._session.flush()
        return row

    async def claim(self, chat_id: str, claim: UUID, lease: timedelta) -> Chat | None:
        """The chat, for this claim alone as long as the lease; None while another has it, and if there is none."""
        idle = or_(Chat.claimed_until.is_(None), Chat.claimed_until < func.now())
        statement = update(Chat).where(*self._mine(chat_id), idle)
        claimed = statement.values(claim=claim, claimed_until=func.now() + lease).returning(Chat)
        return (await self._session.scalars(claimed)).one_or_none()

    async def release(self, chat_id: str, claim: UUID, **changes: Any) -> bool:
        """Give a chat back, changed; False if this claim has it no longer."""
        statement = update(Chat).where(*self._mine(chat_id), Chat.claim == claim)
        released = statement.values(claim=None, claimed_until=None, **changes).returning(Chat.id)
        return (await self._session.scalars(released)).one_or_none() is not None

    async def remember_later(self, chat: Chat, *, over: bool) -> None:
        """Have a chat remembered: now when it is over, else when nothing more is written in it."""
        await remember_later(self._session, chat, over=over)

    async def after(
        self, place: tuple[datetime, str] | None, limit: int, agent_id: UUID | None
    ) -> Sequence[Chat]:
        """Chats that come after this place in the list, newest first."""
        wanted: list[ColumnElement[bool]] = [Chat.workspace_id == self._workspace]
        if agent_id is not None:
            wanted.append(Chat.agent_id == agent_id)
        if place is not None:
            moment, chat_id = place
            same = and_(Chat.created_at == moment, Chat.id > chat_id)
            wanted += [Chat.created_at <= moment, or_(Chat.created_at < moment, same)]
        query = select(Chat).where(*wanted).order_by(Chat.created_at.desc(), Chat.id).limit(limit)
        return (await self._session.scalars(query)).all()

    async def delete(self, chat_id: str) -> bool:
        """Remove a chat and its messages; False if there is none."""
        if not is_id(chat_id):
            return False
        gone = await self._session.scalars(delete(Chat).where(*self._mine(chat_id)).returning(Chat.id))
        return gone.one_or_none() is not None

    def _mine(self, chat_id: str) -> tuple[ColumnElement[bool], ...]:
        return Chat.workspace_id == self._workspace, Chat.id == chat_id
