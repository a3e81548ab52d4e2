"""`/trunkline/v1/deliveries` and `/trunkline/v1/webhook-secret`."""

import json
from typing import Annotated

from fastapi import Query

from trunkline.errors import NotFound
from trunkline.platform.http.context import Caller, Parts, Transaction, keyed_router
from trunkline.platform.http.pagination import Items, NumberedPage, items_of
from trunkline.platform.http.scopes import Scope
from trunkline.platform.outbound.masking import masked_url
from trunkline.resources.webhooks import signing
from trunkline.resources.webhooks.backoff import DeliveryState
from trunkline.resources.webhooks.models import WebhookDelivery
from trunkline.resources.webhooks.repository import DeliveryRepository
from trunkline.resources.webhooks.schemas import DeliveryListItem, DeliveryOut, WebhookSecretOut

router = keyed_router("/trunkline/v1/deliveries", "Webhook deliveries", Scope.LOGS)
secret_router = keyed_router("/trunkline/v1/webhook-secret", "Webhook deliveries", Scope.WORKSPACE)


@router.get("")
async def list_deliveries(
    caller: Caller,
    session: Transaction,
    page: NumberedPage,
    state: DeliveryState | None = None,
    call_id: Annotated[str | None, Query(max_length=100)] = None,
) -> Items[DeliveryListItem]:
    """Webhooks that were or are to be delivered, newest first; `state=dead` lists those that were given up."""
    stored = DeliveryRepository(session, caller.workspace_id)
    found, total = await stored.page(state, call_id, page.limit, page.offset)
    return items_of([DeliveryListItem.model_validate(_members(row)) for row in found], total, page)


@router.get("/{delivery_id}")
async def get_delivery(delivery_id: str, caller: Caller, session: Transaction) -> DeliveryOut:
    """One delivery with what it carries. Its attempts are in `GET /v2/logs` (`call_id`)."""
    return _shown(
        _found(await DeliveryRepository(session, caller.workspace_id).get(delivery_id), delivery_id)
    )


@router.post("/{delivery_id}/redeliver")
async def redeliver(delivery_id: str, caller: Caller, session: Transaction) -> DeliveryOut:
    """Send it again, now and for another day: the same bytes under the same `webhook-id`, whatever became of it."""
    stored = DeliveryRepository(session, caller.workspace_id)
    return _shown(_found(await stored.redeliver(delivery_id), delivery_id))


@secret_router.get("")
async def get_webhook_secret(caller: Caller, session: Transaction, parts: Parts) -> WebhookSecretOut:
    """The secret that signs this workspace's webhooks; made at its first use."""
    return _secret(await signing.signing_of(session, parts.secrets, caller.workspace_id))


@secret_router.post("/rotate")
async def rotate_webhook_secret(caller: Caller, session: Transaction, parts: Parts) -> WebhookSecretOut:
    """Make a new secret, in use within seconds. For a day the former one signs as well, in `webhook-signature`."""
    return _secret(await signing.rotate(session, parts.secrets, caller.workspace_id))


def _secret(found: signing.Signing) -> WebhookSecretOut:
    until = None if found.former is None else found.rotated_at + signing.FORMER_SIGNS_FOR
    return WebhookSecretOut(secret=found.secret, rotated_at=found.rotated_at, former_signs_until=until)


def _found(row: WebhookDelivery | None, delivery_id: str) -> WebhookDelivery:
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    return row


def _shown(row: WebhookDelivery) -> DeliveryOut:
    return DeliveryOut.model_validate({**_members(row), "payload": json.loads(row.body)})


def _members(row: WebhookDelivery) -> dict[str, object]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "call_id": str(row.call_id) if row.call_id else None,
        "model_id": str(row.agent_id) if row.agent_id else None,
        "url": masked_url(row.url),
        "state": row.state,
        "attempts": row.attempts,
        "created_at": row.created_at,
        "attempted_at": row.attempted_at,
        "next_attempt_at": row.due_at if row.state == DeliveryState.PENDING else None,
        "ended_at": row.ended_at,
        "answer_status": row.answer_status,
        "error": row.error,
    }
