"""Both signatures, before and after a rotation."""

import base64
import hmac
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.webhooks.signing import Signing, rotate, signing_of
from trunkline.resources.workspaces.models import Workspace

BODY = b'{"status": "completed"}'
CALL = "6b1f7a52-6d3f-4b39-8f0e-0d7c1c5a1c11"


@pytest.fixture
def box() -> SecretBox:
    return SecretBox("a key of sixteen or more")


async def signed_now(database: Database, box: SecretBox, workspace_id: UUID) -> Signing:
    async with database.workspace(workspace_id) as session:
        return await signing_of(session, box, workspace_id)


async def test_for_a_day_the_former_secret_signs_beside_the_new_one(
    database: Database, box: SecretBox, workspace: Workspace
) -> None:
    old = (await signed_now(database, box, workspace.id)).secret
    async with database.workspace(workspace.id) as session:
        new = (await rotate(session, box, workspace.id)).secret
    headers = (await signed_now(database, box, workspace.id)).headers("msg_1", datetime.now(UTC), BODY, CALL)
    for secret in (old, new):
        Webhook(secret).verify(BODY, headers)
    assert headers["Synthflow-Signature"] == compatible(new) != compatible(old)
    async with database.system() as session:
        await session.execute(text("UPDATE signing_secrets SET rotated_at = now() - interval '25 hours'"))
    headers = (await signed_now(database, box, workspace.id)).headers("msg_1", datetime.now(UTC), BODY, CALL)
    Webhook(new).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(BODY, headers)


def compatible(secret: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), CALL.encode(), sha256)).decode()
