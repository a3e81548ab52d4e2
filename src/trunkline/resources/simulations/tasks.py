"""Running simulations: what the worker does for them.

A run may be begun more than once: its worker died, or the language model failed. Whoever begins it takes the next
fencing number, and only the holder of the last one can write; so a worker that was taken for dead changes nothing.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from trunkline.errors import ProviderError, Unavailable
from trunkline.platform.storage.database import Database
from trunkline.platform.work.jobs import Jobs
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.profile import profile_of
from trunkline.resources.holes import as_texts, substitute
from trunkline.resources.simulations import text
from trunkline.resources.simulations.judge import analysis, judge
from trunkline.resources.simulations.models import SimulationRun
from trunkline.resources.simulations.repository import RunRepository
from trunkline.resources.simulations.running import RUN_SIMULATION
from trunkline.resources.simulations.schemas import CallSuccess, RunError, TimelineItem
from trunkline.resources.simulations.status import RunStatus
from trunkline.resources.simulations.text import Happening
from trunkline.voice.language.ports import LanguageModel

log = structlog.get_logger(__name__)

MOST_TRIES = 4
"""Then a run has failed. The job engine tries once more than that, to say so even if no try came to its end."""

_GIVEN_UP = RunError(
    message=f"The simulation was begun {MOST_TRIES} times and never came to its end; the worker's log says why. "
    "Start it again.",
    code=500,
    type="interrupted",
)


class SimulationTasks:
    """The durable work of simulations. Everything may run twice, or in two workers at once."""

    def __init__(self, database: Database, model: LanguageModel) -> None:
        self._database = database
        self._model = model

    def register(self, jobs: Jobs) -> None:
        """Tell the worker what there is to do."""
        jobs.task(RUN_SIMULATION)(self.run_simulation)

    async def run_simulation(self, run_id: str, workspace_id: str) -> None:
        """The job of a run: the talk, then the verdict.

        Raises:
            ProviderError: the language model failed; the run is to be begun again.
            Unavailable: it, or the database, is away; likewise.
        """
        async with self._database.workspace(UUID(workspace_id)) as session:
            runs = RunRepository(session, UUID(workspace_id))
            run = await runs.begin(UUID(run_id))
            agents = {} if run is None else await runs.agents([run.agent_id])
        if run is None:
            return
        if run.fence > MOST_TRIES:
            await self._end(run, RunStatus.FAILED, error=_GIVEN_UP.model_dump())
            return
        try:
            await self._play(run, agents[run.agent_id])
        except (ProviderError, Unavailable) as error:
            if run.fence < MOST_TRIES:
                raise
            failure = RunError(message=str(error), code=503, type="language_model")
            await self._end(run, RunStatus.FAILED, error=failure.model_dump())

    async def _play(self, run: SimulationRun, agent: Agent) -> None:
        variables = run.variables or {}
        profile = profile_of(agent, {}, variables, now=run.created_at)
        prompt = substitute(run.case_prompt, as_texts(variables))
        persona = text.persona_of(prompt, run.language, profile, calls=agent.type == "inbound")
        happened: list[Happening] = []
        timeline: list[dict[str, Any]] = []
        async for each in text.talk(self._model, profile, persona, run.max_turns):
            happened.append(each)
            timeline.append(_item(each).model_dump())
            if not await self._note(run, timeline):
                log.info("simulation_taken_over", run=str(run.id))
                return
        criteria = [substitute(each, as_texts(variables)) for each in run.success_criteria]
        verdicts = await judge(self._model, profile.model, text.transcript(happened), criteria)
        verdict = analysis(verdicts, CallSuccess(run.call_success_type))
        await self._end(run, RunStatus.COMPLETED, analysis=verdict.model_dump() if verdict else None)

    async def _note(self, run: SimulationRun, timeline: list[dict[str, Any]]) -> bool:
        async with self._database.workspace(run.workspace_id) as session:
            return await RunRepository(session, run.workspace_id).note(run, timeline)

    async def _end(self, run: SimulationRun, to: RunStatus, **values: object) -> None:
        async with self._database.workspace(run.workspace_id) as session:
            ended = await RunRepository(session, run.workspace_id).end(run, to, **values)
        log.info("simulation_ended" if ended else "simulation_taken_over", run=str(run.id), status=to)


def _item(happening: Happening) -> TimelineItem:
    now = datetime.now(UTC)
    return TimelineItem(
        sender_type=happening.sender,
        value=happening.value,
        type=happening.kind,
        timestamp_datetime=now.isoformat(),
        timestamp=f"{now.timestamp():.3f}",
    )
