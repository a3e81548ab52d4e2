"""The steps after a call: which of them a call needs, and what each finds."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import ProviderError
from trunkline.platform.storage.database import Database
from trunkline.resources.actions.around import AFTER, not_done, run_after
from trunkline.resources.actions.work import Means, PlannedAction
from trunkline.resources.agent_versions.pinned import pinned
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.after import (
    ACTION,
    EVALUATION,
    EXTRACTORS,
    JUDGE,
    MEMORY,
    Findings,
    entries_of,
)
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.plan import CallPlan, Secrets, planned_call
from trunkline.resources.calls.record import Direction
from trunkline.resources.evaluations.evaluating import evaluate
from trunkline.resources.evaluations.extracting import answers, collected, extract_all
from trunkline.resources.evaluations.judging import judge
from trunkline.resources.talks import Talk
from trunkline.voice.conversation.profile import Medium
from trunkline.voice.language.ports import LanguageModel

EXTRACTOR = "INFORMATION_EXTRACTOR"
EVALUATOR = "CUSTOM_EVAL"

Remember = Callable[[Database, LanguageModel, Talk], Awaitable[None]]


@dataclass(frozen=True)
class Ended:
    """A call that has ended, as its steps see it."""

    talk: Talk
    actions: tuple[PlannedAction, ...]
    timezone: str

    def steps(self) -> list[str]:
        """What is to be done; nothing of a call that was not answered, and actions alone where no word is kept."""
        if not self.talk.answered:
            return []
        actions = [f"{ACTION}{each.id}" for each in self.actions if _is_after(each)]
        if not self.talk.transcript:
            return actions
        evaluations = [f"{EVALUATION}{each.id}" for each in self.of_type(EVALUATOR)]
        extractors = [EXTRACTORS] if self.of_type(EXTRACTOR) else []
        return [JUDGE, MEMORY, *extractors, *evaluations, *actions]

    def of_type(self, type_: str) -> list[PlannedAction]:
        """The agent's actions of a type, in their order."""
        return [each for each in self.actions if each.type == type_]

    def action_of(self, step: str) -> PlannedAction | None:
        """The action that a step is about; None where it was taken from the agent meanwhile."""
        id_ = step.partition(":")[2]
        return next((each for each in self.actions if str(each.id) == id_), None)


def _is_after(action: PlannedAction) -> bool:
    return action.phase == "after" and action.type in AFTER


async def ended_call(session: AsyncSession, secrets: Secrets, call: Call) -> Ended:
    """A call with what its agent had when it began, and what extractors found of it so far. System's session."""
    today = (await session.scalars(select(Agent).where(Agent.id == call.agent_id))).one()
    agent, attached = await pinned(session, today, call.agent_version)
    plan = await planned_call(session, secrets, call, agent, attached=attached)
    found = answers(await entries_of(session, call.id))
    return Ended(_talk(call, plan, found), plan.equipment.actions, call.timezone)


def _talk(call: Call, plan: CallPlan, found: Mapping[str, Any]) -> Talk:
    return Talk(
        workspace_id=call.workspace_id,
        agent_id=call.agent_id,
        id=str(call.id),
        medium=Medium.CALL,
        began=call.answered_at or call.started_at or call.created_at,
        other_party=call.other_party,
        prompt=plan.profile.prompt,
        transcript=(call.transcript or "").strip(),
        model=plan.profile.model,
        language=plan.profile.language,
        end_reason=call.end_reason or "",
        outbound=plan.direction is Direction.OUTBOUND,
        answered=call.answered_at is not None,
        executed_actions=call.executed_actions,
        variables={**plan.profile.variables, **found},
    )


async def done(
    means: Means, model: LanguageModel, remember: Remember, ended: Ended, step: str, *, last: bool
) -> Findings:
    """Do a step, with no connection held. On its last try an action that the model failed at is told with its error.

    Raises:
        ProviderError: the model failed; the step is to be done again.
        Unavailable: it, or the database, is away; likewise.
    """
    talk = ended.talk
    if step == JUDGE:
        return Findings(judged=await judge(model, talk))
    if step == MEMORY:
        await remember(means.database, model, talk)
        return Findings()
    if step == EXTRACTORS:
        entries = await extract_all(model, talk, ended.of_type(EXTRACTOR))
        found = Findings(entries=entries, collected=collected(str(talk.agent_id), answers(entries)))
        return _asked_again(found, last)
    action = ended.action_of(step)
    if action is None:
        return Findings()
    if step.startswith(ACTION):
        return Findings(entries=await run_after(means, model, talk, action, ended.timezone))
    entry = await evaluate(model, talk, action)
    return _asked_again(Findings(entries={entry["name"]: entry}), last)


def given_up(ended: Ended, step: str, error: str) -> Findings:
    """What is told of a step that is not tried any more: of an action, that it was not done and why."""
    action = ended.action_of(step) if step.startswith(ACTION) else None
    return Findings() if action is None else Findings(entries=not_done(ended.talk, action, error))


def _asked_again(found: Findings, last: bool) -> Findings:
    """What was found. Raises ProviderError for what the model failed at, while there is another try."""
    faults = [entry["error_message"] for entry in found.entries.values() if entry["error_message"]]
    if faults and not last:
        raise ProviderError(faults[0])
    return found
