"""Sending a message once.

Twilio knows no key for repeats, so a row does it: written before the request goes out, completed after its answer.
A run that finds its row begun, but not completed, cannot know whether the message went out, and sends none.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trunkline.platform.storage.database import Database
from trunkline.resources.messages import twilio
from trunkline.resources.messages.models import Message
from trunkline.resources.messages.repository import MessageRepository
from trunkline.resources.vendors import Purpose, Vendors
from trunkline.resources.webhooks.record import Delivery

NO_ACCOUNT = (
    "messages need the workspace's own Twilio account; put its account_sid and auth_token into the workspace secret "
    "twilio (/trunkline/v1/secrets)"
)
_OPEN = "it was begun before and nobody knows whether it went out, so it is not sent again"


@dataclass(frozen=True)
class Sent:
    """What came of sending."""

    ok: bool
    message_id: str = ""
    """Twilio's."""
    error: str = ""
    began: datetime | None = None
    """By the database's clock; None where nothing was begun. What comes in later may be a reply."""
    delivery: Delivery | None = None
    """The request that went out just now."""
    unknown: bool = False
    """Whether it went out is not known."""


async def send(
    vendors: Vendors,
    workspace_id: UUID,
    message: twilio.Outgoing,
    *,
    run_id: str,
    talk_id: str,
    purpose: Purpose,
) -> Sent:
    """Send it, once for each `run_id`: a repeat answers what is known of the first."""
    account = await vendors.account(workspace_id, "twilio")
    if account is None:
        return Sent(False, error=NO_ACCOUNT)
    begun = await _begun(vendors.database, workspace_id, message, run_id, talk_id)
    if isinstance(begun, Sent):
        return begun
    delivery = await twilio.create(vendors, account, message, purpose)
    return await _settled(vendors.database, begun, delivery)


async def _begun(
    database: Database, workspace_id: UUID, message: twilio.Outgoing, run_id: str, talk_id: str
) -> Message | Sent:
    """The row of a message that is now to go out, or what is known of it where this run has begun it before."""
    async with database.workspace(workspace_id) as session:
        messages = MessageRepository(session, workspace_id)
        row = await messages.add(
            channel=message.channel,
            status="begun",
            number_from=message.sender,
            number_to=message.recipient,
            run_id=run_id,
            talk_id=talk_id,
        )
        if row is not None:
            return row
        former = await messages.of_run(run_id)
        assert former is not None  # the insert has waited for whoever wrote it
        return _known(former)


async def _settled(database: Database, row: Message, delivery: Delivery) -> Sent:
    """Write down what came of the request."""
    id_ = twilio.message_id(delivery)
    error = "" if id_ else twilio.why(delivery)
    refused = id_ is None and twilio.was_refused(delivery)
    async with database.workspace(row.workspace_id) as session:
        await MessageRepository(session, row.workspace_id).settle(
            row.id,
            status="sent" if id_ else "refused" if refused else "begun",
            provider_id=id_,
            error=error or None,
        )
    unknown = not (id_ or refused)
    if unknown:
        error = f"{error}; whether the message went out is not known"
    return Sent(id_ is not None, id_ or "", error, row.created_at, delivery, unknown)


def _known(row: Message) -> Sent:
    match row.status:
        case "sent":
            return Sent(True, row.provider_id or "", began=row.created_at)
        case "refused":
            return Sent(False, error=row.error or "", began=row.created_at)
    error = f"{row.error}; {_OPEN}" if row.error else _OPEN
    return Sent(False, error=error, began=row.created_at, unknown=True)
