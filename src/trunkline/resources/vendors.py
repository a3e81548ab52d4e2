"""Services that a workspace has an account with: where they are, and one request to one of them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.database import Database
from trunkline.resources.webhooks.record import Delivery
from trunkline.resources.webhooks.sending import send
from trunkline.resources.workspaces.secrets import Name, Opener, secret

WITHIN = 15.0
"""Seconds that a service has for one answer: somebody waits on the line."""


@dataclass(frozen=True)
class Addresses:
    """Where the services are, without a slash at the end; others than these in tests only."""

    twilio: str = "https://api.twilio.com"
    calcom: str = "https://api.cal.com"
    ghl: str = "https://services.leadconnectorhq.com"


VENDORS = Addresses()
"""Where they really are."""


@dataclass(frozen=True)
class Purpose:
    """On whose behalf a request goes out; for its log."""

    agent_id: UUID | None = None
    call_id: UUID | None = None
    action_id: UUID | None = None


@dataclass(frozen=True)
class Vendors:
    """What is needed to ask a service on behalf of a workspace."""

    database: Database
    secrets: Opener = field(repr=False)
    outbound: Outbound
    addresses: Addresses = VENDORS
    given_up: Callable[[Delivery], None] = lambda delivery: None
    """Told of a request whose answer nobody waits for any more."""

    async def account(self, workspace_id: UUID, name: Name) -> dict[str, str] | None:
        """The workspace's secret of that name; None where it has set none."""
        async with self.database.workspace(workspace_id) as session:
            return await secret(session, self.secrets, workspace_id, name)

    async def ask(
        self,
        purpose: Purpose,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
    ) -> Delivery:
        """One request, and what came of it, in the form of the log; raises nothing for a service that fails."""
        asked = Delivery(
            kind="custom_action",
            method=method,
            url=url,
            headers=headers,
            body=content,
            sent_at=datetime.now(UTC),
            answer=None,
            agent_id=purpose.agent_id,
            call_id=purpose.call_id,
            action_id=purpose.action_id,
        )
        return await send(self.outbound, asked, WITHIN, self.given_up)


def content_of(delivery: Delivery) -> dict[str, Any]:
    """The JSON object that was answered; empty where there is none."""
    try:
        value = json.loads(delivery.answer.body) if delivery.answer is not None else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
