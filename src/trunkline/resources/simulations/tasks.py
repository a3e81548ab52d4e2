"""Running simulations: what the worker does for them, while the calls themselves are played in other processes.

A run may be begun more than once: its worker died, or the language model failed. Whoever begins it takes the next
fencing number, and only the holder of the last one can write; so a worker that was taken for dead changes nothing.
"""

import asyncio
from typing import Any, Protocol
from uuid import UUID

import structlog

from trunkline.errors import Conflict, NotFound, Unavailable
from trunkline.platform.storage.blobs import Blobs
from trunkline.platform.work.jobs import Jobs
from trunkline.resources.actions.work import Means
from trunkline.resources.simulations import kept, subjects, wire
from trunkline.resources.simulations.assignments import Assignment, Failure, Report, Tell
from trunkline.resources.simulations.budget import Budget, Usage
from trunkline.resources.simulations.details import Plan
from trunkline.resources.simulations.executing import RealTools
from trunkline.resources.simulations.line_calls import LineCalls
from trunkline.resources.simulations.models import SimulationRun
from trunkline.resources.simulations.real_tools import nothing_real
from trunkline.resources.simulations.rows import Rows
from trunkline.resources.simulations.run_repository import RunRepository
from trunkline.resources.simulations.running import RUN_SIMULATION
from trunkline.resources.simulations.session_schemas import SessionSettings
from trunkline.resources.simulations.status import RunStatus
from trunkline.resources.simulations.suite_file import Level
from trunkline.voice.driver.ports import RunTool

log = structlog.get_logger(__name__)

MOST_TRIES = 4
"""Then a run has failed. The job engine tries once more than that, to say so even if no try came to its end."""
LOOK_S = 0.5
"""How often a run that is played is looked at: what it has told is kept, and that it is still wanted."""

_GIVEN_UP = Failure(
    message=f"The simulation was begun {MOST_TRIES} times and never came to its end; the worker's log says why. "
    "Start it again.",
    code=500,
    type="interrupted",
)
_OLDER = Failure(message="It was started by an older version; start it again.", code=500, type="interrupted")

_FORGOTTEN = Failure(
    message="The answers of the run that it repeats are no longer kept.", code=410, type="answers"
)


class Player(Protocol):
    """Plays runs outside of this process."""

    async def play(self, assignment: Assignment, tell: Tell, run_tool: RunTool) -> Report:
        """What came of it; `run_tool` does in this process what is really run. Cancelling this ends it. Raises Unavailable when whoever played it died."""
        ...


class SimulationTasks:
    """The durable work of simulations. Everything may run twice, or in two workers at once."""

    def __init__(self, means: Means, blobs: Blobs, player: Player, line_calls: LineCalls) -> None:
        """`means`: what agents' own actions work with, where they are really run."""
        self._means = means
        self._database = means.database
        self._blobs = blobs
        self._player = player
        self._line_calls = line_calls

    def register(self, jobs: Jobs) -> None:
        """Tell the worker what there is to do."""
        jobs.task(RUN_SIMULATION)(self.run_simulation)

    async def run_simulation(self, run_id: str, workspace_id: str) -> None:
        """The job of a run. Raises Unavailable when it is to be begun again."""
        async with self._database.workspace(UUID(workspace_id)) as session:
            run = await RunRepository(session, UUID(workspace_id)).begin(UUID(run_id))
        if run is None:
            return
        if run.plan is None or run.fence > MOST_TRIES:
            await self._fail(run, _OLDER if run.plan is None else _GIVEN_UP)
            return
        try:
            report = await self._watched(run, Plan.model_validate(run.plan))
        except Unavailable as error:
            report = Report(failure=Failure(message=str(error), code=503, type="interrupted", again=True))
        except NotFound:
            report = Report(failure=_FORGOTTEN)
        if report is None:
            log.info("simulation_taken_over", run=str(run.id))
            return
        await self._spend(run, report)
        if report.failure is None:
            await self._complete(run, report)
        elif report.failure.again and run.fence < MOST_TRIES:
            raise Unavailable(report.failure.message)
        else:
            await self._fail(run, report.failure)

    async def _watched(self, run: SimulationRun, plan: Plan) -> Report | None:
        """Have it played, with what it may really run; None when it is no longer ours."""
        assignment = await self._assignment(run, plan)
        if assignment.budget.spent:
            return Report(failure=_spent())
        if plan.level is Level.LINE:
            return await self._called(run, plan, assignment)
        if not plan.real or run.replays is not None:
            return await self._played(run, plan, assignment, nothing_real)
        tools = await RealTools.of(self._means, run, plan)
        try:
            return await self._played(run, plan, assignment, tools.run)
        finally:
            await tools.close()

    async def _called(self, run: SimulationRun, plan: Plan, assignment: Assignment) -> Report | None:
        """Have the platform really called; None as with `_watched`."""
        try:
            call = await self._line_calls.announce(run, plan)
        except Conflict as error:
            return Report(failure=Failure(message=str(error), code=409, type="agent"))
        try:
            expecting = assignment.model_copy(update={"expected": call.expected})
            return await self._played(run, plan, expecting, call.run)
        finally:
            await call.close()

    async def _played(
        self, run: SimulationRun, plan: Plan, assignment: Assignment, run_tool: RunTool
    ) -> Report | None:
        """Have it played while it is wanted and has time; None when it is no longer ours."""
        told: list[dict[str, Any]] = []
        noted = -1
        playing = asyncio.create_task(
            self._player.play(assignment, lambda item: told.append(item.model_dump()), run_tool),
            name="simulation",
        )
        try:
            async with asyncio.timeout(plan.seconds):
                while True:
                    if len(told) != noted:
                        noted = len(told)
                        wanted = await self._note(run, told[:noted])
                    else:
                        wanted = await self._held(run)
                    if not wanted:
                        return None
                    done, _ = await asyncio.wait((playing,), timeout=LOOK_S)
                    if done:
                        return playing.result()
        except TimeoutError:
            return Report(failure=_too_long(plan.seconds))
        finally:
            playing.cancel()
            await asyncio.wait((playing,))

    async def _assignment(self, run: SimulationRun, plan: Plan) -> Assignment:
        async with self._database.workspace(run.workspace_id) as session:
            rows = Rows.of(session, run.workspace_id)
            content = await subjects.content(rows, run)
            opened = await rows.sessions.get(run.session_id)
            prompt, completion = await rows.runs.spent(run.session_id)
            original = None if run.replays is None else await rows.runs.get(run.replays)
        budget = Budget()
        if opened is not None and opened.settings is not None:
            budget = SessionSettings.model_validate(opened.settings).caps.budget
        answers = {}
        if run.replays is not None:
            if original is None or original.answers_key is None:
                raise NotFound("What the run was answered is no longer kept.")
            answers = await kept.answers(self._blobs, original.answers_key)
        return Assignment(
            agent=content,
            level=plan.level,
            planned=plan.planned,
            tools=plan.tools,
            real=plan.real,
            now=plan.now,
            budget=budget.less(Usage(prompt=prompt, completion=completion)),
            answers=answers,
        )

    async def _complete(self, run: SimulationRun, report: Report) -> None:
        trial = report.trial
        assert trial is not None
        values = await kept.store(self._blobs, run, report)
        verdict = wire.analysis(trial)
        ended = await self._end(
            run,
            RunStatus.COMPLETED,
            timeline=[item.model_dump() for item in report.timeline],
            analysis=verdict.model_dump() if verdict else None,
            trial=report.model_dump(mode="json", include={"trial"})["trial"],
            **values,
        )
        if not ended:
            await kept.drop(self._blobs, values.values())

    async def _fail(self, run: SimulationRun, failure: Failure) -> None:
        await self._end(run, RunStatus.FAILED, error=failure.model_dump(exclude={"again"}))

    async def _spend(self, run: SimulationRun, report: Report) -> None:
        async with self._database.workspace(run.workspace_id) as session:
            runs = RunRepository(session, run.workspace_id)
            await runs.spend(run, report.used.prompt, report.used.completion, report.asked)

    async def _note(self, run: SimulationRun, timeline: list[dict[str, Any]]) -> bool:
        async with self._database.workspace(run.workspace_id) as session:
            return await RunRepository(session, run.workspace_id).note(run, timeline)

    async def _held(self, run: SimulationRun) -> bool:
        async with self._database.workspace(run.workspace_id) as session:
            return await RunRepository(session, run.workspace_id).held(run)

    async def _end(self, run: SimulationRun, to: RunStatus, **values: object) -> bool:
        async with self._database.workspace(run.workspace_id) as session:
            ended = await RunRepository(session, run.workspace_id).end(run, to, **values)
        log.info("simulation_ended" if ended else "simulation_taken_over", run=str(run.id), status=to)
        return ended


def _spent() -> Failure:
    return Failure(
        message="The runs of this session have used up what they may; start it with higher caps.",
        code=402,
        type="budget",
    )


def _too_long(seconds: int) -> Failure:
    return Failure(
        message=f"The run took longer than {seconds} s and was ended; start it with a higher cap.",
        code=504,
        type="timeout",
    )
