"""What is done after a call, as rows: begun in the transaction that ends the call, so that nothing can be lost between.

A step is taken under the next number of its fence, and its result is written only while that number is the last; so
a worker that was taken for dead changes nothing, and each result is written once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
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


@dataclass(frozen=True)
class Findings:
    """What a step found; it goes into the record of the call."""

    judged: Mapping[str, str] | None = None
    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of `executed_actions`, by name."""
    collected: Mapping[str, Any] | None = None
    """`collected_variables`."""


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
        .where(*mine, AfterCallStep.state == StepState.PENDING)
        .values(fence=AfterCallStep.fence + 1, began_at=func.now())
        .returning(AfterCallStep.fence, AfterCallStep.tries)
    )
    taken = (await session.execute(statement)).one_or_none()
    return None if taken is None else Taken(call_id, step, *taken)


async def try_again(session: AsyncSession, taken: Taken, error: str) -> None:
    """A step has come to a fault and is to be done again; nothing changes when it is not ours any more."""
    mine = AfterCallStep.call_id == taken.call_id, AfterCallStep.step == taken.step
    ours = AfterCallStep.fence == taken.fence, AfterCallStep.state == StepState.PENDING
    await session.execute(
        update(AfterCallStep).where(*mine, *ours).values(tries=taken.tries + 1, error=error)
    )


async def end(
    session: AsyncSession, taken: Taken, to: StepState, found: Findings, error: str | None = None
) -> bool:
    """End a step and put what it found into the call's record; False, and nothing changed: it is not ours any more."""
    mine = AfterCallStep.call_id == taken.call_id, AfterCallStep.step == taken.step
    ours = AfterCallStep.fence == taken.fence, AfterCallStep.state == StepState.PENDING
    query = select(Call.name, Call.variables).where(Call.id == taken.call_id, Call.redacts_pii)
    if (told := (await session.execute(query)).one_or_none()) is not None:
        found = _redacted(found, names_known(*told))
    entries = {name: dict(entry) for name, entry in found.entries.items()}
    values = {"state": to, "result": entries or None, "error": error, "ended_at": func.now()}
    ended = await session.execute(update(AfterCallStep).where(*mine, *ours).values(values))
    if not cast("CursorResult[Any]", ended).rowcount:
        return False
    record: dict[str, Any] = {}
    if found.judged is not None:
        record["judge_results"] = dict(found.judged)
    if entries:
        record["executed_actions"] = Call.executed_actions.concat(entries)
    if found.collected:
        record["collected_variables"] = Call.collected_variables.concat(dict(found.collected))
    if record:
        await session.execute(update(Call).where(Call.id == taken.call_id).values(record))
    return True


def _redacted(found: Findings, names: Sequence[str]) -> Findings:
    """Without personal data: instructions and variables, which a call keeps, tell it to the model as well."""
    return Findings(
        judged=found.judged and redact_value(dict(found.judged), names),
        entries=redact_value({name: dict(entry) for name, entry in found.entries.items()}, names),
        collected=found.collected and redact_value(dict(found.collected), names),
    )


async def waits(session: AsyncSession, call_id: UUID) -> bool:
    """Whether a step is still to be done that the webhook tells of: all but the memory."""
    mine = AfterCallStep.call_id == call_id, AfterCallStep.state == StepState.PENDING
    return bool(await session.scalar(select(exists().where(*mine, AfterCallStep.step != MEMORY))))


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
