"""The agent that a run tests, as it was in the run's version."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trunkline.resources.agent_versions.snapshots import content_of, put_back
from trunkline.resources.agents.models import Agent
from trunkline.resources.simulations.models import SimulationRun
from trunkline.resources.simulations.own_tools import OwnTool
from trunkline.resources.simulations.rows import Rows
from trunkline.resources.simulations.trials import Subject
from trunkline.voice.driver.ports import RunTool


async def content(rows: Rows, run: SimulationRun) -> dict[str, Any]:
    """What `agent_versions.snapshots.content_of` took of it."""
    if run.agent_version is not None:
        version = await rows.versions.get(run.agent_id, run.agent_version)
        if version is not None:
            return version.content
    agents = await rows.runs.agents([run.agent_id])
    return content_of(agents[run.agent_id], ())


def subject_of(
    content: Mapping[str, Any],
    tools: tuple[OwnTool, ...] = (),
    now: datetime | None = None,
    real: RunTool | None = None,
) -> Subject:
    """The agent with this content, of no database."""
    agent = Agent(extra={}, phone_number="")
    put_back(content, agent)
    return Subject(agent, tools=tools, now=now, real=real)
