"""Conversations by SMS and WhatsApp that the agent begins: a chat whose messages go out by the workspace's Twilio."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from trunkline.errors import BadInput, Unavailable
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.chats.models import Chat
from trunkline.resources.chats.repository import ChatRepository
from trunkline.resources.chats.schemas import ChatCreate, OutboundChatCreate, Template
from trunkline.resources.chats.service import Chats
from trunkline.resources.chats.talks import names_of
from trunkline.resources.holes import as_texts, fill_message
from trunkline.resources.messages.receiving import CONVERSATION
from trunkline.resources.messages.repository import MessageRepository
from trunkline.resources.messages.sending import NO_ACCOUNT, Sent, send
from trunkline.resources.messages.twilio import Outgoing
from trunkline.resources.vendors import Purpose, Vendors
from trunkline.resources.webhooks.record import record

WINDOW = timedelta(hours=24)
"""After somebody's last message WhatsApp takes free text for so long."""


@dataclass(frozen=True)
class OutboundChats:
    """Those of one workspace."""

    vendors: Vendors
    chats: Chats
    workspace_id: UUID

    async def begin(self, body: OutboundChatCreate) -> str:
        """The id of the chat, once its first message is with the provider.

        The message is `initial_message` with its holes filled, or the template; else what the agent greets with.

        Raises:
            BadInput: the agent is unknown, WhatsApp wants a template, there is nothing to say, the workspace has no
                provider of messages, or that refuses this one. There is no chat then.
            ProviderError: the agent's greeting could not be made.
            Unavailable: nobody knows whether the message went out (the chat stays), or there is no model.
        """
        agent = await self._checked(body)
        chat_id = str(uuid4())
        text = await self._first_words(chat_id, agent.id, body)
        sent = await send(
            self.vendors,
            self.workspace_id,
            _message(body, text),
            run_id=f"{CONVERSATION}{chat_id}",
            talk_id=chat_id,
            purpose=Purpose(agent_id=agent.id),
        )
        await self._settle(chat_id, agent, sent)
        if not sent.ok:
            raise (Unavailable if sent.unknown else BadInput)(f"channel: {sent.error}.")
        return chat_id

    async def _checked(self, body: OutboundChatCreate) -> Agent:
        async with self.vendors.database.workspace(self.workspace_id) as session:
            agent = await AgentRepository(session, self.workspace_id).get(body.agent_id)
            if agent is None:
                raise BadInput(f"agent_id: there is no agent {body.agent_id}.")
            if body.channel == "whatsapp" and body.template is None:
                since = datetime.now(UTC) - WINDOW
                messages = MessageRepository(session, self.workspace_id)
                if await messages.reply("whatsapp", body.to_number, body.from_number, since) is None:
                    raise BadInput(
                        "template: WhatsApp wants an approved one within no conversation of the last 24 hours; "
                        "send its content_sid."
                    )
        if await self.vendors.account(self.workspace_id, "twilio") is None:
            raise BadInput(f"channel: {NO_ACCOUNT}.")
        return agent

    async def _first_words(self, chat_id: str, agent_id: UUID, body: OutboundChatCreate) -> str:
        """The chat's first message, stored with it."""
        variables = {
            **(body.custom_variables or {}),
            "user_phone_number": body.to_number,
            "from_phone_number": body.from_number,
            "to_phone_number": body.to_number,
        }
        if body.initial_message is None and body.template is None:
            wanted = ChatCreate(model_id=body.agent_id, custom_variables=variables)
            _, messages = await self.chats.create(chat_id, wanted)
            if messages:
                return str(messages[0].message["content"])
            await self.chats.delete(chat_id)
            raise BadInput(
                "initial_message: this agent waits for the other side's words; send some, or a template."
            )
        text = fill_message(body.initial_message or "", as_texts(variables)) or _named(body.template)
        async with self.vendors.database.workspace(self.workspace_id) as session:
            chats = ChatRepository(session, self.workspace_id)
            chat = Chat(id=chat_id, agent_id=agent_id, status="ongoing", variables=variables)
            await chats.add(chat)
            await chats.add_message(chat, 0, 0, {"role": "assistant", "content": text})
        return text

    async def _settle(self, chat_id: str, agent: Agent, sent: Sent) -> None:
        """Log the request. A chat whose message was refused is none; where nobody knows, an answer has its place."""
        async with self.vendors.database.workspace(self.workspace_id) as session:
            chats = ChatRepository(session, self.workspace_id)
            chat = await chats.get(chat_id)
            if sent.delivery is not None:
                names = None if chat is None else names_of(agent, chat)
                await record(session, self.workspace_id, replace(sent.delivery, names=names))
            if not (sent.ok or sent.unknown):
                await chats.delete(chat_id)


def _message(body: OutboundChatCreate, text: str) -> Outgoing:
    if body.template is None:
        return Outgoing(body.channel, body.from_number, body.to_number, text)
    return Outgoing(
        body.channel,
        body.from_number,
        body.to_number,
        content_sid=body.template.content_sid,
        content_variables=_values(body.template),
    )


def _values(template: Template) -> dict[str, str]:
    return as_texts({name: value for name, value in (template.variables or {}).items() if value is not None})


def _named(template: Template | None) -> str:
    """What a chat shows of a template: its text is the provider's."""
    if template is None:
        return ""
    values: Any = _values(template)
    return f"[template {template.content_sid} {json.dumps(values, ensure_ascii=False)}]"
