"""Messages that come in."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.work.jobs import Queue, defer
from trunkline.platform.work.wakeups import notify
from trunkline.resources.messages.replies import RECEIVED
from trunkline.resources.messages.repository import MessageRepository
from trunkline.resources.messages.twilio import Incoming

CONVERSATION = "chat:"
"""How the runs begin whose messages are a chat's own; the chat's id comes next."""
ANSWER_MESSAGE = "answer_message"


async def receive(session: AsyncSession, workspace_id: UUID, message: Incoming) -> bool:
    """Keep a message, wake whoever waits for one, and have the chat go on that it belongs to; False for a repeat.

    It belongs to the chat whose message was the last one that went the other way.
    """
    messages = MessageRepository(session, workspace_id)
    row = await messages.add(
        channel=message.channel,
        status="received",
        number_from=message.sender,
        number_to=message.recipient,
        text=message.text.replace("\x00", ""),
        provider_id=message.id,
    )
    if row is None:
        return False
    notify(session, RECEIVED, str(workspace_id))
    last = await messages.last_sent(message.channel, message.recipient, message.sender)
    if last is not None and (last.run_id or "").startswith(CONVERSATION):
        job = {"workspace_id": str(workspace_id), "message_id": str(row.id), "chat_id": last.talk_id}
        lock = f"{CONVERSATION}{workspace_id}:{last.talk_id}"
        await defer(session, ANSWER_MESSAGE, job, Queue.LONG, lock=lock)
    return True
