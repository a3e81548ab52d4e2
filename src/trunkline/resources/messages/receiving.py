"""Messages that come in."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.work.wakeups import notify
from trunkline.resources.messages.replies import RECEIVED
from trunkline.resources.messages.repository import MessageRepository
from trunkline.resources.messages.twilio import Incoming


async def receive(session: AsyncSession, workspace_id: UUID, message: Incoming) -> bool:
    """Keep a message and wake whoever waits for one; False for one that came before."""
    row = await MessageRepository(session, workspace_id).add(
        channel=message.channel,
        status="received",
        number_from=message.sender,
        number_to=message.recipient,
        text=message.text.replace("\x00", ""),
        provider_id=message.id,
    )
    if row is None:
        return False
    await notify(session, RECEIVED, str(workspace_id))
    return True
