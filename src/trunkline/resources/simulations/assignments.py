"""What a child process is given to play one run, and what it hands back: JSON both ways, and no database.

worker ── Assignment ──► child: the talk, the rules, the judge
worker ◄── TimelineItem … ToolCall … Report ── child
worker ── ToolResult ──► child: what was really run, by the worker, which alone knows how
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from trunkline.errors import BadInput, DialFailed, ProviderError, TrunklineError, Unavailable
from trunkline.resources.simulations import timeline, trials
from trunkline.resources.simulations.budget import Budget, MeteredLanguageModel, OverBudget, Usage
from trunkline.resources.simulations.callee import Callee, Expected, ThroughWorker
from trunkline.resources.simulations.happenings import Called, Said
from trunkline.resources.simulations.own_tools import OwnTool
from trunkline.resources.simulations.real_tools import KeptTools, nothing_real
from trunkline.resources.simulations.schemas import TimelineItem
from trunkline.resources.simulations.subjects import subject_of
from trunkline.resources.simulations.suite_file import MOST_TURNS, Level, Planned
from trunkline.resources.simulations.text_level import OnEvent
from trunkline.resources.simulations.trials import Play, Subject, Trial
from trunkline.voice.answers import Answers, MemoryStore
from trunkline.voice.driver.ports import RunTool, ToolAnswer
from trunkline.voice.language.cached import CachedLanguageModel
from trunkline.voice.language.ports import LanguageModel

Tell = Callable[[TimelineItem], None]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")


class Assignment(_Part):
    """One run, whole."""

    agent: dict[str, Any]
    """What `agent_versions.snapshots.content_of` took."""
    level: Level = Level.TEXT
    planned: Planned
    tools: tuple[OwnTool, ...] = ()
    """The agent's own."""
    real: bool = False
    """What the case does not mock of them is really run."""
    now: datetime | None = None
    """What the agent is told of the time."""
    expected: Expected | None = None
    """The call that the platform expects; at the level `line`."""
    budget: Budget = Budget()
    answers: dict[str, str] = {}
    """Of providers, by the digests of the questions: those of the run that is replayed."""


class Failure(_Part):
    """Why a run could not be played."""

    message: str
    code: int
    type: str
    again: bool = False
    """Another try may go better."""


class Report(_Part):
    """What came of a run."""

    trial: Trial | None = None
    """Its sound is in `wav`. None: `failure` says why."""
    failure: Failure | None = None
    timeline: list[TimelineItem] = []
    """All of it, as it was told."""
    used: Usage = Usage()
    asked: int = 0
    """Questions that a language model was asked; none for a replay."""
    answers: dict[str, str] = {}
    wav: bytes = b""


class ToolCall(_Part):
    """Something that is to be really run."""

    id: int
    name: str
    arguments: dict[str, Any]


class ToolResult(_Part):
    """What came of it."""

    id: int
    answer: ToolAnswer


class Order(_Part):
    """A line to a child: a run to play, or what it has asked for while it plays."""

    assignment: Assignment | None = None
    result: ToolResult | None = None


class Message(_Part):
    """A line from a child: something that happened, something to be done, or in the end the report."""

    item: TimelineItem | None = None
    call: ToolCall | None = None
    report: Report | None = None


class Levels(Protocol):
    """What this process can simulate calls with."""

    async def play(
        self,
        level: Level,
        subject: Subject,
        model: LanguageModel,
        answers: Answers,
        on_event: OnEvent,
        callee: Callee | None,
    ) -> Play:
        """How calls of this level are made with this agent; what is asked of whom is kept in `answers`.

        `callee`: what is called at the level `line`.

        Raises BadInput for a level that cannot be had here, and what loading models raises.
        """
        ...


async def perform(
    assignment: Assignment,
    levels: Levels,
    model: LanguageModel,
    tell: Tell,
    run_tool: RunTool = nothing_real,
) -> Report:
    """Play a run and judge it; `tell` hears of everything as it happens, `run_tool` does what is really run."""
    store = MemoryStore()
    store.kept.update({name: kept.encode() for name, kept in assignment.answers.items()})
    answers = Answers(store)
    metered = MeteredLanguageModel(model, assignment.budget)
    told = _Told(tell)
    trial, failure = None, None
    try:
        thinking = CachedLanguageModel(metered, answers)
        real = KeptTools(run_tool, answers).run if assignment.real else None
        subject = subject_of(assignment.agent, assignment.tools, assignment.now, real)
        expected = assignment.expected
        callee = None if expected is None else ThroughWorker(expected, run_tool)
        play = await levels.play(assignment.level, subject, thinking, answers, told.event, callee)
        trial = await trials.attempt(assignment.planned, subject, play, thinking)
    except TrunklineError as error:
        failure = _failure(error)
    finally:
        await answers.close()
    report = Report(
        failure=failure,
        used=metered.used,
        asked=metered.asked,
        answers={name: kept.decode() for name, kept in store.kept.items()},
    )
    if trial is None:
        return report.model_copy(update={"timeline": told.items})
    happened, wav = trial.observed.happened, trial.observed.wav
    told.items += timeline.of_ending(
        happened, assignment.planned.case.max_turns or MOST_TURNS, timeline.now()
    )
    silent = replace(trial, observed=replace(trial.observed, wav=b""))
    return report.model_copy(update={"trial": silent, "timeline": told.items, "wav": wav})


class _Told:
    """What was told so far."""

    def __init__(self, tell: Tell) -> None:
        self.items: list[TimelineItem] = []
        self._tell = tell
        self._began = timeline.now()

    def event(self, event: Said | Called) -> None:
        """With sound by the call's clock, which is not ours."""
        ms = event.start_ms if isinstance(event, Said) else event.at_ms
        at = timeline.now() if ms is None else self._began + timedelta(milliseconds=ms)
        item = timeline.of_event(event, at)
        self.items.append(item)
        self._tell(item)


def _failure(error: TrunklineError) -> Failure:
    match error:
        case OverBudget():
            return Failure(message=str(error), code=402, type="budget")
        case ProviderError() | Unavailable():
            return Failure(message=str(error), code=503, type="language_model", again=True)
        case DialFailed():
            return Failure(message=str(error), code=503, type="line", again=True)
        case BadInput():
            return Failure(message=str(error), code=400, type="case")
        case _:
            return Failure(message=str(error), code=500, type="setup")
