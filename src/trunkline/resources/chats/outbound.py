"""Conversations by SMS and WhatsApp that the agent begins."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import BadInput, Unavailable
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.chats.schemas import OutboundChatCreate
from trunkline.resources.workspaces.secrets import secret


async def begin(session: AsyncSession, box: SecretBox, workspace_id: UUID, body: OutboundChatCreate) -> str:
    """Refuses: no provider of messages is spoken to yet. What is wrong with the request is said first.

    Raises:
        BadInput: the agent is unknown, the template is missing, or the workspace has no provider of messages.
        Unavailable: it has one.
    """
    if await AgentRepository(session, workspace_id).get(body.agent_id) is None:
        raise BadInput(f"agent_id: there is no agent {body.agent_id}.")
    if body.channel == "whatsapp" and body.template is None:
        raise BadInput(
            "template: WhatsApp wants an approved one within no conversation of the last 24 hours; "
            "send its content_sid."
        )
    if await secret(session, box, workspace_id, "twilio") is None:
        raise BadInput(
            f"channel: {body.channel} needs the workspace's own Twilio account; put its account_sid and auth_token "
            "into the workspace secret twilio (/trunkline/v1/secrets)."
        )
    raise Unavailable(f"channel: {body.channel} messages are not sent by this version of Trunkline.")
