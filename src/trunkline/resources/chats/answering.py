"""Answering what somebody writes in a messenger: the chat goes on, and the agent's words go out as a message."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from trunkline.errors import Conflict, NotFound
from trunkline.platform.work.jobs import Jobs
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.chats.repository import ChatRepository
from trunkline.resources.chats.service import Chats
from trunkline.resources.chats.talks import names_of
from trunkline.resources.messages.models import Message
from trunkline.resources.messages.receiving import ANSWER_MESSAGE, CONVERSATION
from trunkline.resources.messages.repository import MessageRepository
from trunkline.resources.messages.sending import send
from trunkline.resources.messages.twilio import Outgoing
from trunkline.resources.vendors import Purpose, Vendors
from trunkline.resources.webhooks.record import record

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Asked:
    """A message that a chat is to answer."""

    message: Message
    text: str
    agent_id: UUID
    names: tuple[str, ...] | None
    """As in `names_of`."""


class MessengerTasks:
    """The durable work of conversations by message. A job that runs twice has one answer made and sends it once."""

    def __init__(self, vendors: Vendors, chats_of: Callable[[UUID], Chats]) -> None:
        """`chats_of`: the chats of a workspace."""
        self._vendors = vendors
        self._chats_of = chats_of

    def register(self, jobs: Jobs) -> None:
        """Tell the worker what there is to do."""
        jobs.task(ANSWER_MESSAGE)(self.answer_message)

    async def answer_message(self, workspace_id: str, message_id: str, chat_id: str) -> None:
        """Have a chat answer a message that came in; one that is over, or was deleted, answers nothing.

        Raises:
            ProviderError: the model failed; the message is to be answered again.
            Unavailable: it, or the database, is away; likewise.
        """
        workspace, run_id = UUID(workspace_id), f"{CONVERSATION}{chat_id}:{message_id}"
        asked = await self._asked(workspace, UUID(message_id), chat_id, run_id)
        if asked is None:
            return
        chats = self._chats_of(workspace)
        try:
            answer = await chats.send(chat_id, asked.text, request=message_id)
        except (NotFound, Conflict) as over:
            log.info("message_not_answered", chat=chat_id, reason=type(over).__name__)
            return
        words = str(answer.message["content"])
        if not words.strip():
            return
        sent = await send(
            self._vendors,
            workspace,
            Outgoing(
                "sms" if asked.message.channel == "sms" else "whatsapp",
                asked.message.number_to,
                asked.message.number_from,
                words,
            ),
            run_id=run_id,
            talk_id=chat_id,
            purpose=Purpose(agent_id=asked.agent_id),
        )
        if not sent.ok:
            log.warning("answer_not_sent", chat=chat_id, error=sent.error)
        if sent.delivery is not None:
            async with self._vendors.database.workspace(workspace) as session:
                await record(session, workspace, replace(sent.delivery, names=asked.names))

    async def _asked(self, workspace: UUID, message_id: UUID, chat_id: str, run_id: str) -> _Asked | None:
        """What a chat is to answer; None where it answers nothing, or has already."""
        async with self._vendors.database.workspace(workspace) as session:
            messages = MessageRepository(session, workspace)
            message = await messages.get(message_id)
            if message is None or not message.text or await messages.of_run(run_id) is not None:
                return None
            chat = await ChatRepository(session, workspace).get(chat_id)
            if chat is None or chat.created_at > message.created_at:
                log.info("message_not_answered", chat=chat_id, reason="its chat was deleted")
                return None
            agent = await AgentRepository(session, workspace).get(chat.agent_id, deleted=True)
            names = None if agent is None else names_of(agent, chat)
            return _Asked(message, message.text, chat.agent_id, names)
