"""Figures of a workspace's calls."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import BadInput
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.analytics import figures
from trunkline.resources.analytics.period import period_of
from trunkline.resources.analytics.repository import FigureRepository, Recent, Wanted
from trunkline.resources.analytics.schemas import Analytics, RecentCall, RecentCallHistory

MOST_RECENT = 10


async def analyse(
    session: AsyncSession,
    workspace_id: UUID,
    *,
    first: datetime | None,
    last: datetime | None,
    model_id: str | None,
    direction: str | None,
) -> Analytics:
    """What the calls between two moments add up to.

    Raises:
        BadInput: the dates are too far apart or the wrong way round, or there never was such an agent.
    """
    period = period_of(first, last, datetime.now(UTC))
    agent = None
    if model_id is not None:
        agent = await AgentRepository(session, workspace_id).get(model_id, deleted=True)
        if agent is None:
            raise BadInput(f"model_id: there is no agent {model_id}; leave it out for all agents.")
    wanted = Wanted(period, agent.id if agent else None, direction)
    calls, days = FigureRepository(session, workspace_id, wanted), period.days
    held = await calls.held()
    return Analytics(
        executed_actions=figures.executed_actions(await calls.ran(), days),
        assistant_performance=figures.assistant_performance(await calls.of_agents()),
        call_status_stat=figures.call_status(held, days),
        recent_call_history=RecentCallHistory(
            items=[_recent(call) for call in await calls.recent(MOST_RECENT)]
        ),
        duration_metrics=figures.durations(held, days),
        end_call_reason_stat=figures.end_reasons(held, days),
        sentiment_stat=figures.sentiment(await calls.judged(), days),
    )


def _recent(call: Recent) -> RecentCall:
    return RecentCall(
        call_id=str(call.id),
        call_status=call.status,
        duration=call.duration_s or 0,
        agent_name=call.agent_name,
        model_id=str(call.agent_id),
        lead_phone_number=call.other_party,
        created_at=call.created_at.isoformat(),
    )
