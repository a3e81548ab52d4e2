"""Trial runs of custom actions: the request is really sent, and logged like any other."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from trunkline.errors import BadInput
from trunkline.platform.http.wire import WireInput, example
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.database import Database
from trunkline.resources.actions.custom import request_of, run
from trunkline.resources.actions.repository import ActionRepository
from trunkline.resources.actions.secrets import ActionSecrets
from trunkline.resources.calls.schemas import Variables
from trunkline.resources.vendors import Purpose
from trunkline.resources.webhooks.record import Delivery, record


class ActionInitialize(WireInput):
    """A test run of a custom action."""

    model_config = example(action_id="5f0c8a52-9a55-4b0e-8d3a-1f6b8a2c7e90", variables={"order": "4711"})

    action_id: str
    variables: Variables | None = None


async def try_out(
    database: Database,
    outbound: Outbound,
    secrets: ActionSecrets,
    workspace_id: UUID,
    body: ActionInitialize,
) -> str:
    """What a trial brought, in words. An input without a variable has its example.

    No transaction is open while the address takes its time.

    Raises:
        BadInput: there is no such custom action, or the address did not answer with a 2xx.
    """
    async with database.workspace(workspace_id) as session:
        action = await ActionRepository(session, workspace_id).get(body.action_id)
    if action is None:
        raise BadInput(f"action_id: there is no action {body.action_id}; see GET /v2/actions.")
    if action.type != "CUSTOM_ACTION":
        raise BadInput(f"action_id: {action.name} is {action.type}; only a CUSTOM_ACTION can be tried out.")
    settings = secrets.reveal(action.id, action.settings, action.secrets_encrypted)
    request = request_of(settings, {**_examples(settings), **(body.variables or {})})
    delivery = await run(outbound, request, Purpose(action_id=action.id))
    async with database.workspace(workspace_id) as session:
        await record(session, workspace_id, delivery)
    return _told(delivery)


def _examples(settings: Mapping[str, Any]) -> dict[str, str]:
    variables = settings.get("variables_during_the_call") or []
    return {each["name"]: each["example"] for each in variables if each["example"]}


def _told(delivery: Delivery) -> str:
    if delivery.answer is None:
        raise BadInput(f"The trial failed: {delivery.error}.")
    if not delivery.succeeded:
        raise BadInput(
            f"The trial failed: the address answered {delivery.answer.status}; see GET /v2/logs for its answer."
        )
    return f"The address answered {delivery.answer.status} in {delivery.answer.elapsed_ms} ms."
