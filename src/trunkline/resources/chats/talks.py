"""A chat as those see it who work on it afterwards; and when it is to be remembered."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.work.jobs import Queue, defer
from trunkline.resources.actions.results import merged
from trunkline.resources.agents.models import Agent
from trunkline.resources.chats import wire
from trunkline.resources.chats.models import Chat, ChatMessage
from trunkline.resources.contacts.matching import number_of
from trunkline.resources.holes import as_texts, substitute
from trunkline.resources.redaction import names_in_value, redact
from trunkline.resources.talks import Talk
from trunkline.voice.conversation.profile import Medium

REMEMBER_CHAT = "remember_chat"
IDLE = timedelta(minutes=30)
"""Few chats come to an end: without a message for so long, what was written is remembered, and the chat may go on."""
WHO = "user_phone_number"
"""The variable of a chat by which the other party is known, as on calls."""


def other_party_of(chat: Chat) -> str:
    """Whom the chat is with, in E.164; "" for nobody known."""
    return number_of(str(chat.variables.get(WHO) or "")) or ""


def names_of(agent: Agent, chat: Chat) -> tuple[str, ...] | None:
    """The names that a chat knows, for logs that must hold nothing personal; None where they may."""
    if not agent.settings.get("redact_pii"):
        return None
    return tuple(names_in_value(merged(chat.variables, chat.results or {}), (), named=True))


def talk_of_chat(agent: Agent, chat: Chat, messages: Sequence[ChatMessage]) -> Talk:
    """A chat as far as it has come; it began when it was last taken up after a pause."""
    settings = agent.settings
    return Talk(
        workspace_id=chat.workspace_id,
        agent_id=chat.agent_id,
        id=chat.id,
        medium=Medium.CHAT,
        began=_taken_up(chat, messages),
        other_party=other_party_of(chat),
        prompt=substitute(settings.get("prompt", ""), as_texts(chat.variables)),
        transcript=_kept(agent, messages),
        model=settings.get("llm", ""),
        language=settings.get("language", "en-US"),
        variables=chat.variables,
        upto=len(messages),
    )


async def remember_later(
    session: AsyncSession, chat: Chat, *, over: bool, since: datetime | None = None
) -> None:
    """Enqueue the job that remembers a chat: at once when it is over, else when nothing came `since` (None: now)."""
    if not other_party_of(chat):
        return
    job = {"workspace_id": str(chat.workspace_id), "chat_id": chat.id}
    if over:
        await defer(session, REMEMBER_CHAT, job, Queue.LONG)
        return
    lock = f"{REMEMBER_CHAT}:{chat.workspace_id}:{chat.id}"
    at = (since or datetime.now(UTC)) + IDLE
    await defer(session, REMEMBER_CHAT, job, Queue.LONG, queueing_lock=lock, at=at)


def _kept(agent: Agent, messages: Sequence[ChatMessage]) -> str:
    """The transcript as far as the agent's settings let anything be kept of it."""
    if agent.settings.get("is_transcript_disabled"):
        return ""
    text = wire.transcript(messages)
    return redact(text) if agent.settings.get("redact_pii") else text


def _taken_up(chat: Chat, messages: Sequence[ChatMessage]) -> datetime:
    began = last = chat.created_at
    for each in messages:
        if each.created_at - last >= IDLE:
            began = each.created_at
        last = each.created_at
    return began
