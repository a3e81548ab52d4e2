"""How an agent's row is shown."""

from collections.abc import Sequence
from typing import Any

from trunkline.resources.actions.models import Action, AgentAction
from trunkline.resources.actions.wire import inputs_of_agent
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.schemas import (
    AgentId,
    AgentListItem,
    AgentOut,
    AgentWritten,
    Attached,
    AttachedNumber,
)
from trunkline.resources.agents.settings import ShownSettings
from trunkline.resources.numbers.models import Number
from trunkline.voice.speech.voices import name_of

MAX_DURATION = {"duration_seconds": 1800, "is_enabled": True}
"""What holds when an agent says nothing."""


def shown_in_list(agent: Agent, action_ids: list[str]) -> AgentListItem:
    """An agent in a list."""
    return AgentListItem(**_common(agent), actions=action_ids)


def shown(agent: Agent, numbers: Sequence[Number], actions: Sequence[tuple[Action, AgentAction]]) -> AgentOut:
    """One agent with its numbers, the shown one first, and those of its actions that are to be shown."""
    return AgentOut(
        **_common(agent),
        actions=[str(action.id) for action, _ in actions],
        attached_phone_numbers=[
            AttachedNumber(number=number.number, sid=None, slug=number.slug) for number in numbers
        ],
        input_variables=[inputs_of_agent(action, attached) for action, attached in actions],
    )


def written(agent: Agent) -> AgentWritten:
    """The answer to create and update."""
    return AgentWritten(
        status="ok",
        response=AgentId(model_id=str(agent.id)),
        details=Attached(phone=agent.phone_number, voice=agent.settings.get("voice_id", "")),
    )


def _common(agent: Agent) -> dict[str, Any]:
    voice_id = agent.settings.get("voice_id", "")
    return {
        "model_id": str(agent.id),
        "type": agent.type,
        "name": agent.name,
        "description": agent.description or "",
        "phone_number": agent.phone_number,
        "external_webhook_url": agent.external_webhook_url or "",
        "inbound_call_webhook_url": agent.inbound_call_webhook_url or "",
        "is_recording": agent.is_recording,
        "max_duration": {**MAX_DURATION, **agent.max_duration},
        "voicemail_message": {"enabled": False, **agent.voicemail_message},
        "end_call_reasons": [],
        "agent": ShownSettings(**{**agent.settings, "voice_name": name_of(voice_id) or voice_id}),
        "created_at": agent.created_at.isoformat(),
    }
