"""Suites that are run: a trial is one call of one case and what came of it."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from trunkline.errors import TrunklineError
from trunkline.resources.actions import inline
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.profile import profile_of
from trunkline.resources.agents.schemas import AgentCreate
from trunkline.resources.holes import as_texts, substitute
from trunkline.resources.simulations import text_level
from trunkline.resources.simulations.happenings import Happenings, Said
from trunkline.resources.simulations.judge import judge, overall
from trunkline.resources.simulations.matching import described
from trunkline.resources.simulations.mocks import MockedTools
from trunkline.resources.simulations.own_tools import OwnTool, mocked, offered, own_tools
from trunkline.resources.simulations.persona import Persona
from trunkline.resources.simulations.suite_file import MOST_TURNS, Case, Planned, Suite
from trunkline.resources.simulations.verdicts import Outcome, Verdict
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.driver.ports import RunTool
from trunkline.voice.language.ports import LanguageModel


@dataclass(frozen=True)
class Demand:
    """One thing that was demanded of a call, and the verdict on it."""

    by: str
    """`rule` or `judge`."""
    what: str
    """The rule's kind and members, or the criterion's words."""
    verdict: Verdict


@dataclass(frozen=True)
class Observed:
    """What a level has seen of a call."""

    happened: Happenings
    ledgers: tuple[Mapping[str, Any], ...] = ()
    """Of each turn of the agent; times in ms. () in text."""
    wav: bytes = b""
    """Left the caller, right the agent; b"" in text."""


@dataclass(frozen=True)
class Trial:
    """One call of one case."""

    case: str
    number: int
    """Which repeat, from 1."""
    seed: int
    observed: Observed = field(default_factory=lambda: Observed(Happenings()))
    demands: tuple[Demand, ...] = ()
    outcome: Outcome | None = None
    """None: it could not be made, and `error` says why."""
    error: str = ""


class Play(Protocol):
    """Makes the call of a trial, at one level."""

    async def __call__(
        self, agent: Profile, persona: Persona, mocks: MockedTools, max_turns: int, seed: int, calls: bool
    ) -> Observed:
        """Raises TrunklineError where it cannot be made."""
        ...


@dataclass(frozen=True)
class Subject:
    """The agent that is tested."""

    row: Agent
    """Perhaps of no database."""
    model: str = ""
    """Thinks for it in place of its own, where given."""
    tools: tuple[OwnTool, ...] = ()
    """Of its own actions."""
    now: datetime | None = None
    """What it is told of the time; None: nothing, which is the same on every day."""
    real: RunTool | None = None
    """Runs those of its own that a case does not mock; None: they fail."""

    @classmethod
    def of(cls, body: AgentCreate) -> "Subject":
        """An agent that is written in a file."""
        return cls(
            Agent(
                name=body.name,
                type=body.type,
                settings=body.agent.sent(),
                max_duration={},
                voicemail_message={},
                extra={},
                phone_number="",
                is_recording=False,
            ),
            tools=own_tools(inline.planned(body.actions or [])),
        )

    def profile(self, case: Case) -> Profile:
        """How it talks in a case: its own prompt and tools, and what the case mocks."""
        outbound = self.row.type == "outbound"
        profile = profile_of(self.row, {}, case.custom_variables, outbound=outbound, now=self.now)
        return replace(profile, tools=offered(self.tools, case.tools), model=self.model or profile.model)


def seed_of(seed: int, case: str, number: int) -> int:
    """Each trial's own; another case or repeat changes no other's."""
    return random.Random(f"{seed} {case} {number}").getrandbits(32)  # noqa: S311 repeatable on purpose


def in_text(model: LanguageModel, on_event: text_level.OnEvent | None = None) -> Play:
    """The level text: a model plays agent and persona."""

    async def play(
        agent: Profile, persona: Persona, mocks: MockedTools, max_turns: int, seed: int, calls: bool
    ) -> Observed:
        happened = await text_level.play(
            model, agent, persona, mocks, max_turns, calls=calls, on_event=on_event
        )
        return Observed(happened)

    return play


async def run(
    suite: Suite, subject: Subject, play: Play, judging: LanguageModel, seed: int, at_once: int = 1
) -> AsyncIterator[Trial]:
    """Every trial of a suite as it is done; so many at once. A trial that cannot be made says so and stops none."""
    waiting = asyncio.Semaphore(at_once)

    async def one(case: Case, number: int) -> Trial:
        async with waiting:
            return await trial(suite.planned(case, number, seed), subject, play, judging)

    tasks = [
        asyncio.create_task(one(case, number))
        for case in suite.file.cases
        for number in range(1, suite.runs(case) + 1)
    ]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def trial(planned: Planned, subject: Subject, play: Play, judging: LanguageModel) -> Trial:
    """One call, and the verdicts on it; what went wrong where it could not be made."""
    try:
        return await attempt(planned, subject, play, judging)
    except TrunklineError as error:
        case, number = planned.case.name, planned.number
        return Trial(case, number, seed_of(planned.seed, case, number), error=str(error))


async def attempt(planned: Planned, subject: Subject, play: Play, judging: LanguageModel) -> Trial:
    """One call, and the verdicts on it: rules first, then the judge. Raises TrunklineError where it cannot be made."""
    case, number = planned.case, planned.number
    own = seed_of(planned.seed, case.name, number)
    filled = as_texts(case.custom_variables)
    profile = subject.profile(case)
    persona = case.persona.model_copy(update={"goal": substitute(case.persona.goal, filled)})
    answering = mocked(subject.tools, case.tools, real=subject.real is not None)
    mocks = MockedTools(answering, case.state, subject.real)
    turns = case.max_turns or MOST_TURNS
    observed = await play(profile, persona, mocks, turns, own, subject.row.type != "outbound")
    demands = [Demand("rule", shown(rule), rule.verdict(observed.happened)) for rule in case.rules]
    criteria = [substitute(each, filled) for each in case.success_criteria]
    name = planned.judge.model or profile.model
    verdicts = await judge(judging, name, transcript(observed.happened), criteria, planned.judge.panel)
    demands += [Demand("judge", what, each) for what, each in zip(criteria, verdicts, strict=True)]
    outcome = overall([each.verdict.outcome for each in demands], case.call_success_type)
    return Trial(case.name, number, own, observed, tuple(demands), outcome)


def transcript(happened: Happenings) -> str:
    """As a judge reads it: who said what, and what was called."""
    return "\n".join(line for _, line in lines(happened))


def lines(happened: Happenings) -> Sequence[tuple[str, str]]:
    """What happened in order: `agent`, `caller` or `line`, and the words with their speaker."""
    found: list[tuple[str, str]] = []
    for each in happened.in_order():
        if isinstance(each, Said):
            found.append((each.who, described(each)))
            continue
        how = "" if each.ok else " (it failed)"
        found.append(("line", f"(line): The agent called {described(each)} and got {each.result}{how}"))
    found += [("line", f"(line): The caller was passed to {target}.") for target in happened.transfers or ()]
    if happened.end_reason:
        found.append(("line", f"(line): The call ended: {happened.end_reason}."))
    return found


def shown(rule: Any) -> str:
    """A rule in one line: its kind, and what it was given."""
    given = rule.model_dump(mode="json", exclude_unset=True, exclude={"rule"})
    told = ", ".join(f"{name}: {value}" for name, value in given.items())
    return f"{rule.rule} {told}".strip()
