"""When an agent is at work: its business hours, by the clock of its own time zone."""

from datetime import datetime

from trunkline.resources import weekly_hours
from trunkline.resources.agents import vocabulary
from trunkline.resources.agents.models import Agent


def is_open(agent: Agent, moment: datetime) -> bool:
    """Whether calls of `agent` are taken and placed at `moment`; always, where it has no hours."""
    hours = agent.settings.get("business_hours")
    if not hours:
        return True
    return weekly_hours.is_open(hours, moment, agent.settings.get("timezone") or vocabulary.DEFAULT_TIMEZONE)
