"""What is done after a call, as rows: begun in the transaction that ends the call, so that nothing can be lost between.

A step is taken under the next number of its fence, and its result is written only while that number is the last; so
a worker that was taken for dead changes nothing, and each result is written once. From a verdict to its webhook it is
three statements, for one call or for many that end together: every call pays for each round trip to the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.platform.work.jobs import Queue, defer
from trunkline.resources.calls.models import AfterCall, AfterCallStep, Call
from trunkline.resources.calls.privacy import names_known
from trunkline.resources.redaction import redact_value

AFTER_CALL = "after_call"
TELL_WITHIN = timedelta(seconds=120)
"""The webhook waits so long for the judge and what else it tells of; then it goes without."""

JUDGE = "judge"
EXTRACTORS = "extractors"
MEMORY = "memory"
EVALUATION = "evaluation:"
"""And the id of the action; like ACTION."""
ACTION = "action:"


class StepState(StrEnum):
    """pending → done | failed."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Taken:
    """A step that is ours to do while nobody takes it after us."""

    call_id: UUID
    step: str
    fence: int
    """How often it was begun."""
    tries: int
    """How often it came to a fault; who dies over it leaves none."""
    names: tuple[str, ...] | None
    """Known ones, where nothing personal of the call is kept; None where it is."""


@dataclass(frozen=True)
class Findings:
    """What a step found; it goes into the record of the call."""

    judged: Mapping[str, str] | None = None
    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of `executed_actions`, by name."""
    collected: Mapping[str, Any] | None = None
    """`collected_variables`."""


@dataclass(frozen=True)
class Ending:
    """What is written down of a step that ends; made by `ending`."""

    taken: Taken
    to: StepState
    found: Findings
    error: str | None


async def begin(session: AsyncSession, call_id: UUID, workspace_id: UUID) -> None:
    """A call has ended: what is to be done after it begins when the transaction commits."""
    statement = insert(AfterCall).values(
        call_id=call_id, workspace_id=workspace_id, tell_at=func.now() + TELL_WITHIN
    )
    await session.execute(statement)
    args = {"call_id": str(call_id), "workspace_id": str(workspace_id)}
    await defer(session, AFTER_CALL, args, Queue.AFTER)


async def held(session: AsyncSession, call_id: UUID) -> AfterCall | None:
    """The work after a call, locked: of two steps that end at once the second sees the first."""
    query = select(AfterCall).where(AfterCall.call_id == call_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def plan(session: AsyncSession, work: AfterCall, steps: Sequence[str]) -> None:
    """Write down what there is to do; once, whatever is planned later. `work` is held."""
    if work.planned:
        return
    rows = [
        {"call_id": work.call_id, "workspace_id": work.workspace_id, "step": step, "state": StepState.PENDING}
        for step in steps
    ]
    if rows:
        await session.execute(insert(AfterCallStep), rows)
    work.planned = True
    await session.flush()


async def pending(session: AsyncSession, call_id: UUID) -> Sequence[str]:
    """Steps that are still to be done."""
    mine = AfterCallStep.call_id == call_id, AfterCallStep.state == StepState.PENDING
    return (await session.scalars(select(AfterCallStep.step).where(*mine).order_by(AfterCallStep.step))).all()


async def take(session: AsyncSession, call_id: UUID, step: str) -> Taken | None:
    """Make a step ours; None when it is over."""
    mine = AfterCallStep.call_id == call_id, AfterCallStep.step == step
    statement = (
        update(AfterCallStep)
        .where(*mine, AfterCallStep.state == StepState.PENDING, Call.id == AfterCallStep.call_id)
        .values(fence=AfterCallStep.fence + 1, began_at=func.now())
        .returning(AfterCallStep.fence, AfterCallStep.tries, Call.redacts_pii, Call.name, Call.variables)
    )
    taken = (await session.execute(statement)).one_or_none()
    if taken is None:
        return None
    names = names_known(taken.name, taken.variables) if taken.redacts_pii else None
    return Taken(call_id, step, taken.fence, taken.tries, names)


async def try_again(session: AsyncSession, taken: Taken, error: str) -> None:
    """A step has come to a fault and is to be done again; nothing changes when it is not ours any more."""
    mine = AfterCallStep.call_id == taken.call_id, AfterCallStep.step == taken.step
    ours = AfterCallStep.fence == taken.fence, AfterCallStep.state == StepState.PENDING
    await session.execute(
        update(AfterCallStep).where(*mine, *ours).values(tries=taken.tries + 1, error=error)
    )


def ending(taken: Taken, to: StepState, found: Findings, error: str | None = None) -> Ending:
    """How a step ends, with nothing personal in what it found where nothing of its call is kept."""
    return Ending(taken, to, found if taken.names is None else _redacted(found, taken.names), error)


async def end(session: AsyncSession, endings: Sequence[Ending]) -> list[UUID]:
    """End steps, of each call one, and put what they found into the calls' records.

    The calls whose step was still ours; of the others nothing changed. The work after all of them is held until the
    transaction ends: of two steps that end at once the second sees the first.
    """
    rows = [
        {
            "call_id": str(each.taken.call_id),
            "step": each.taken.step,
            "fence": each.taken.fence,
            "state": each.to,
            "error": each.error,
            "entries": {name: dict(entry) for name, entry in each.found.entries.items()} or None,
            "judged": None if each.found.judged is None else dict(each.found.judged),
            "collected": dict(each.found.collected) if each.found.collected else None,
        }
        for each in endings
    ]
    return list((await session.scalars(_END, {"endings": rows})).all())


def _redacted(found: Findings, names: Sequence[str]) -> Findings:
    """Without personal data: instructions and variables, which a call keeps, tell it to the model as well."""
    return Findings(
        judged=found.judged and redact_value(dict(found.judged), names),
        entries=redact_value({name: dict(entry) for name, entry in found.entries.items()}, names),
        collected=found.collected and redact_value(dict(found.collected), names),
    )


async def overdue(session: AsyncSession, most: int) -> Sequence[UUID]:
    """Calls whose webhook has waited long enough, the longest first."""
    late = ~AfterCall.told, AfterCall.tell_at <= func.now()
    query = select(AfterCall.call_id).where(*late).order_by(AfterCall.tell_at).limit(most)
    return (await session.scalars(query)).all()


async def entries_of(session: AsyncSession, call_id: UUID) -> dict[str, Any]:
    """What the steps so far have added to `executed_actions`."""
    query = select(AfterCallStep.result).where(
        AfterCallStep.call_id == call_id, AfterCallStep.result.is_not(None)
    )
    added: dict[str, Any] = {}
    for entries in (await session.scalars(query.order_by(AfterCallStep.ended_at))).all():
        added |= entries or {}
    return added


_END = text(
    """
WITH endings AS (
    SELECT * FROM jsonb_to_recordset(:endings) AS e (call_id uuid, step text, fence integer, state text, error text,
        entries jsonb, judged jsonb, collected jsonb)
), work AS (
    SELECT call_id FROM after_calls WHERE call_id IN (SELECT call_id FROM endings) ORDER BY call_id FOR UPDATE
), ended AS (
    UPDATE after_call_steps s SET state = e.state, result = e.entries, error = e.error, ended_at = now()
    FROM endings e JOIN work ON work.call_id = e.call_id
    WHERE s.call_id = e.call_id AND s.step = e.step AND s.fence = e.fence AND s.state = 'pending'
    RETURNING s.call_id
), recorded AS (
    UPDATE calls c SET judge_results = COALESCE(e.judged, c.judge_results),
        executed_actions = c.executed_actions || COALESCE(e.entries, '{}'),
        collected_variables = c.collected_variables || COALESCE(e.collected, '{}')
    FROM ended JOIN endings e ON e.call_id = ended.call_id
    WHERE c.id = ended.call_id AND COALESCE(e.judged, e.entries, e.collected) IS NOT NULL
)
SELECT call_id FROM ended
"""
).bindparams(bindparam("endings", type_=JSONB()))
"""One parameter for all; work is held in the order of its calls, so that two workers do not wait for each other."""
