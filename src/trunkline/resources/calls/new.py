"""How the row of a call begins."""

from typing import Any
from uuid import uuid4

from trunkline.resources.agents import vocabulary
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.record import Direction
from trunkline.resources.calls.status import CallStatus

TELEPHONY = "Telephony"
LIVE = "live"
"""The only campaign type there is."""


def outbound_call(
    agent: Agent,
    status: CallStatus,
    *,
    number_from: str,
    number_to: str,
    name: str,
    variables: dict[str, Any],
    overrides: dict[str, Any],
) -> Call:
    """A call to place. It counts among its workspace's concurrent ones: `limits` must have let it in."""
    call = _call(agent, Direction.OUTBOUND, status)
    call.name = name
    call.other_party = call.number_to = number_to
    call.agent_number = call.number_from = number_from
    call.timezone = overrides.get("lead_timezone") or call.timezone
    call.variables = variables
    call.overrides = overrides
    call.counted = True
    return call


def inbound_call(
    agent: Agent,
    status: CallStatus,
    *,
    number_from: str = "",
    number_to: str = "",
    variables: dict[str, Any] | None = None,
) -> Call:
    """A call that comes or will come; numbers that are not known yet are ""."""
    call = _call(agent, Direction.INBOUND, status)
    call.other_party = call.number_from = number_from
    call.agent_number = call.number_to = number_to
    call.variables = variables or {}
    return call


def _call(agent: Agent, direction: Direction, status: CallStatus) -> Call:
    return Call(
        id=uuid4(),
        workspace_id=agent.workspace_id,
        agent_id=agent.id,
        direction=direction,
        status=status,
        deployment_type=TELEPHONY,
        campaign_type=LIVE,
        timezone=agent.settings.get("timezone") or vocabulary.DEFAULT_TIMEZONE,
        agents_used=[str(agent.id)],
    )
