"""The steps after a call: which of them a call needs, and what each finds."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.errors import ProviderError
from trunkline.platform.storage.database import Database
from trunkline.resources.actions.work import PlannedAction
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.after import EVALUATION, EXTRACTORS, JUDGE, MEMORY, Findings
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

    def steps(self) -> list[str]:
        """What is to be done; nothing of a call that was not answered, or of which no word is kept."""
        if not self.talk.answered or not self.talk.transcript:
            return []
        evaluations = [f"{EVALUATION}{each.id}" for each in self.of_type(EVALUATOR)]
        extractors = [EXTRACTORS] if self.of_type(EXTRACTOR) else []
        return [JUDGE, MEMORY, *extractors, *evaluations]

    def of_type(self, type_: str) -> list[PlannedAction]:
        """The agent's actions of a type, in their order."""
        return [each for each in self.actions if each.type == type_]


async def ended_call(session: AsyncSession, secrets: Secrets, call: Call) -> Ended:
    """A call with what its agent has. System's session."""
    agent = (await session.scalars(select(Agent).where(Agent.id == call.agent_id))).one()
    plan = await planned_call(session, secrets, call, agent)
    return Ended(_talk(call, plan), plan.equipment.actions)


def _talk(call: Call, plan: CallPlan) -> Talk:
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
        variables=plan.profile.variables,
    )


async def done(
    database: Database, model: LanguageModel, remember: Remember, ended: Ended, step: str, *, last: bool
) -> Findings:
    """Do a step, with no connection held. On its last try an action that the model failed at is told with its error.

    Raises:
        ProviderError: the model failed; the step is to be done again.
        Unavailable: it, or the database, is away; likewise.
    """
    if step == JUDGE:
        return Findings(judged=await judge(model, ended.talk))
    if step == MEMORY:
        await remember(database, model, ended.talk)
        return Findings()
    if step == EXTRACTORS:
        found = Findings(entries=await extract_all(model, ended.talk, ended.of_type(EXTRACTOR)))
        found = replace(found, collected=collected(str(ended.talk.agent_id), answers(found.entries)))
    else:
        action = next((each for each in ended.of_type(EVALUATOR) if step == f"{EVALUATION}{each.id}"), None)
        if action is None:
            return Findings()  # it was taken from the agent meanwhile
        entry = await evaluate(model, ended.talk, action)
        found = Findings(entries={entry["name"]: entry})
    faults = [entry["error_message"] for entry in found.entries.values() if entry["error_message"]]
    if faults and not last:
        raise ProviderError(faults[0])
    return found
