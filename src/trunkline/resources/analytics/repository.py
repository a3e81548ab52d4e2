"""Counts and sums over calls in the database; from the indexes made for them, as far as these reach.

`day` is a call's day in UTC, or None for all of the time before the period.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Date, and_, case, cast, func, null, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.agents.models import Agent
from trunkline.resources.analytics.period import Period
from trunkline.resources.calls.models import Call, CallEvent
from trunkline.voice.conversation.events import Kind

TIMEOUT = "timeout"
"""The end of a call for which its notes tell more: silence, or the cap on its length."""
_NO_ACTIONS = text("'{}'::jsonb")  # as the index has it
_JUDGED = ("true", "false", "partial")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls to look at."""

    period: Period
    agent: UUID | None = None
    direction: str | None = None


class Held(NamedTuple):
    """Calls of one day, status and end."""

    day: date | None
    status: str
    reason: str | None
    """As calls have it; for a timeout the word of its last note. None for the time before."""
    calls: int
    seconds: int
    answered: int


class OfAgent(NamedTuple):
    """An agent's calls of one status, in the period or before it."""

    agent_id: UUID
    name: str
    current: bool
    status: str
    calls: int
    seconds: int


class Ran(NamedTuple):
    """How many calls of a day an action was run in."""

    day: date | None
    name: str
    calls: int


class Judged(NamedTuple):
    """A day's calls with a verdict on how the caller felt, and those where it is good."""

    day: date | None
    positive: int
    total: int


class Recent(NamedTuple):
    """A call in short."""

    id: UUID
    status: str
    duration_s: int | None
    agent_name: str
    agent_id: UUID
    other_party: str
    created_at: datetime


class FigureRepository:
    """What the calls of one workspace add up to, within one transaction."""

    def __init__(self, session: AsyncSession, workspace_id: UUID, wanted: Wanted) -> None:
        self._session = session
        self._workspace = workspace_id
        self._wanted = wanted

    async def held(self) -> list[Held]:
        """Every call, of the period and of the time before."""
        reason = case((Call.created_at < self._wanted.period.first, null()), else_=_reason())
        calls = (
            select(
                self._day().label("day"),
                Call.status,
                reason.label("reason"),
                Call.duration_s.label("seconds"),
            )
            .where(*self._where())
            .subquery()
        )
        key = (calls.c.day, calls.c.status, calls.c.reason)
        query = select(
            *key, func.count(), func.coalesce(func.sum(calls.c.seconds), 0), func.count(calls.c.seconds)
        ).group_by(*key)
        return [Held._make(row) for row in await self._session.execute(query)]

    async def of_agents(self) -> list[OfAgent]:
        """Every call by its agent, deleted ones too."""
        current = (Call.created_at >= self._wanted.period.first).label("current")
        calls = (
            select(
                Call.agent_id,
                current,
                Call.status,
                func.count().label("calls"),
                func.coalesce(func.sum(Call.duration_s), 0).label("seconds"),
            )
            .where(*self._where())
            .group_by(Call.agent_id, current, Call.status)
            .subquery()
        )
        query = select(
            calls.c.agent_id, Agent.name, calls.c.current, calls.c.status, calls.c.calls, calls.c.seconds
        ).join(Agent, and_(Agent.workspace_id == self._workspace, Agent.id == calls.c.agent_id))
        return [OfAgent._make(row) for row in await self._session.execute(query)]

    async def ran(self) -> list[Ran]:
        """Every action that was run."""
        names = func.jsonb_object_keys(Call.executed_actions).table_valued("name")
        day = self._day()
        query = (
            select(day, names.c.name, func.count())
            .select_from(Call)
            .join(names, text("true"))
            .where(*self._where(), Call.executed_actions != _NO_ACTIONS)
            .group_by(day, names.c.name)
        )
        return [Ran._make(row) for row in await self._session.execute(query)]

    async def judged(self) -> list[Judged]:
        """Every call that has a verdict on how the caller felt."""
        day, verdict = self._day(), Call.judge_results["user_sentiment"].astext
        query = (
            select(day, func.count().filter(verdict == "true"), func.count())
            .where(*self._where(), Call.judge_results.is_not(None), verdict.in_(_JUDGED))
            .group_by(day)
        )
        return [Judged._make(row) for row in await self._session.execute(query)]

    async def recent(self, most: int) -> list[Recent]:
        """The last calls of the period, newest first."""
        query = (
            select(
                Call.id,
                Call.status,
                Call.duration_s,
                Agent.name,
                Call.agent_id,
                Call.other_party,
                Call.created_at,
            )
            .join(Agent, and_(Agent.workspace_id == self._workspace, Agent.id == Call.agent_id))
            .where(*self._where(), Call.created_at >= self._wanted.period.first)
            .order_by(Call.created_at.desc(), Call.id)
            .limit(most)
        )
        return [Recent._make(row) for row in await self._session.execute(query)]

    def _day(self) -> ColumnElement[date | None]:
        day = cast(func.timezone("UTC", Call.created_at), Date)
        return case((Call.created_at >= self._wanted.period.first, day))

    def _where(self) -> list[ColumnElement[bool]]:
        wanted = self._wanted
        conditions: list[ColumnElement[bool]] = [
            Call.workspace_id == self._workspace,
            Call.created_at >= wanted.period.before,
            Call.created_at <= wanted.period.last,
        ]
        if wanted.agent is not None:
            conditions.append(Call.agent_id == wanted.agent)
        if wanted.direction is not None:
            conditions.append(Call.direction == wanted.direction)
        return conditions


def _reason() -> ColumnElement[str | None]:
    """What ended a call; of a timeout its notes say which one it was."""
    told = (
        select(CallEvent.data["reason"].astext)
        .where(CallEvent.call_id == Call.id, CallEvent.kind == Kind.ENDED)
        .order_by(CallEvent.seq.desc())
        .limit(1)
        .correlate(Call)
        .scalar_subquery()
    )
    return case((Call.end_reason == TIMEOUT, func.coalesce(told, TIMEOUT)), else_=Call.end_reason)
