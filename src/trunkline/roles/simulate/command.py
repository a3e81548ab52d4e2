"""`trunkline simulate run` and `replay`: a suite in a YAML file, run in this process; no platform is needed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from trunkline.errors import BadInput
from trunkline.resources.agents.schemas import AgentCreate
from trunkline.resources.simulations import trials
from trunkline.resources.simulations.coverage import coverage
from trunkline.resources.simulations.junit import junit
from trunkline.resources.simulations.levels import InVoice
from trunkline.resources.simulations.page import page
from trunkline.resources.simulations.results import SuiteResult, collected
from trunkline.resources.simulations.suite_file import Level
from trunkline.resources.simulations.text_level import OnEvent
from trunkline.resources.simulations.trials import Play, Subject, Trial, seed_of
from trunkline.roles.language import AbsentLanguageModel
from trunkline.roles.serving import access
from trunkline.roles.simulate import speech
from trunkline.roles.simulate.line import OnLine
from trunkline.roles.simulate.line_platform import Platform, ThroughApi
from trunkline.roles.simulate.mind import mind, thinker
from trunkline.roles.simulate.plan import Plan, Reports, Speech, Version, Wanted, planned, version
from trunkline.roles.simulate.run_folder import RunFolder, SpeechFacts, recordings, rendered
from trunkline.roles.simulate.screen import Board, show
from trunkline.roles.simulate.speech import Ensemble
from trunkline.settings import Settings
from trunkline.voice.answers import Answers
from trunkline.voice.language.cached import CachedLanguageModel
from trunkline.voice.language.ports import LanguageModel


class Exit(IntEnum):
    """What the command says to CI."""

    PASS = 0
    FAIL = 1
    ERROR = 2
    """Something could not be run; nothing is known of the agent."""


@dataclass(frozen=True)
class _Cast:
    """Who thinks, hears and speaks in a run, and what they have answered."""

    think: LanguageModel
    ensemble: Ensemble | None
    """None: nothing is heard."""
    answers: Answers
    at_once: int
    platform: Platform | None = None
    """What is called at the level line."""

    def play(self, subject: Subject, agent_id: str, seed: int, on_event: OnEvent) -> Play:
        """The call of one trial; each has answers of its own."""
        model = CachedLanguageModel(self.think, self.answers, seed)
        if self.ensemble is None:
            return trials.in_text(model, on_event)
        if self.platform is not None:
            callee = ThroughApi(self.platform, agent_id)
            return OnLine(self.platform.phone, callee, self.ensemble.person(self.think), on_event)
        return InVoice(self.ensemble.parts(subject, model, self.answers), on_event)

    @asynccontextmanager
    async def callee(self, wanted: Mapping[str, Any]) -> AsyncIterator[str]:
        """The id of the agent that is called; "" where nobody is."""
        if self.platform is None:
            yield ""
            return
        async with self.platform.agent(wanted) as agent_id:
            yield agent_id


def runs(settings: Settings) -> Path:
    """Where runs are kept."""
    return settings.home / "simulations"


async def run(settings: Settings, wanted: Wanted, terminal: Console) -> Exit:
    """Run a suite, show how it goes and write its reports. Raises TrunklineError when it cannot begin."""
    plan = planned(wanted, mind(settings, wanted.script))
    body = _body(plan)
    folder = RunFolder(runs(settings) / plan.id)
    folder.begin(plan, wanted.fresh)
    async with AsyncExitStack() as stack:
        think = await stack.enter_async_context(thinker(settings, wanted.script))
        found = None
        platform = None
        if plan.level is not Level.TEXT:
            scripted = wanted.script is not None
            found = await stack.enter_async_context(speech.ensemble(settings, plan.speech, scripted))
            if plan.level is Level.LINE:
                platform = await stack.enter_async_context(Platform.of(access(settings), found.vad))
        folder.describe(plan, found.facts(Subject.of(body)) if found else SpeechFacts())
        answers = await stack.enter_async_context(_closed(folder.answers(asks=True)))
        result = await _result(plan, _Cast(think, found, answers, wanted.at_once, platform), terminal)
    folder.finish(result)
    _report(result, wanted.reports)
    show(result, terminal)
    _show_run(folder, answers, plan.level, terminal)
    return _exit(result)


async def replay(settings: Settings, name: str, reports: Reports, at_once: int, terminal: Console) -> Exit:
    """Make a run again from what was answered then; nobody is asked. Raises TrunklineError when it cannot begin."""
    folder = RunFolder.found(runs(settings), name)
    plan, facts = folder.plan()
    if plan.level is Level.LINE:
        raise BadInput(f"{folder.path}: a call on a real line cannot be replayed; only text and voice can")
    before = folder.result
    found = None
    if plan.level is not Level.TEXT:
        found = speech.tones() if plan.speech is Speech.TONES else speech.kept(settings, facts)
    answers = folder.answers(asks=False)
    result = await _result(plan, _Cast(AbsentLanguageModel(), found, answers, at_once), terminal)
    _report(result, reports)
    show(result, terminal)
    if rendered(result) != before:
        terminal.print(Text(f"not equal to the run that is kept in {folder.path}", style="red"))
        return Exit.ERROR
    made = sum(len(case.trials) for case in result.cases)
    terminal.print(
        Text(f"equal to the byte: {made} calls, {answers.found} kept answers, nobody was asked", "green")
    )
    return _exit(result)


def _show_run(folder: RunFolder, answers: Answers, level: Level, terminal: Console) -> None:
    name = folder.path.name
    plural = "" if answers.asked == 1 else "s"
    asked = f"{answers.asked} answer{plural} asked for, {answers.found} kept from before"
    again = f"({asked}); once more: trunkline simulate replay {name}"
    terminal.print(Text(f"run {name} {f'kept in {folder.path}' if level is Level.LINE else again}"))


def _body(plan: Plan) -> AgentCreate:
    body = version(plan.suite)
    if body is None:
        raise BadInput(
            f"{plan.suite.path}: agent: agents of an installation are run over the API; name a YAML file of the agent here"
        )
    return body


def _exit(result: SuiteResult) -> Exit:
    if result.errors:
        return Exit.ERROR
    return Exit.PASS if result.passed else Exit.FAIL


async def _result(plan: Plan, cast: _Cast, terminal: Console) -> SuiteResult:
    """Of this version of the agent, and of the other one where there is one."""
    body = _body(plan)
    result = await _one(plan, cast, Version(body.name, body, plan.raw["agent"]), terminal)
    if plan.against is not None:
        other = await _one(plan, cast, plan.against, terminal)
        result = replace(result, against=other)
    return result


async def _one(plan: Plan, cast: _Cast, version: Version, terminal: Console) -> SuiteResult:
    suite, seed = plan.suite, plan.suite.file.seed
    subject = Subject.of(version.body)
    told = {
        seed_of(seed, case.name, number): f"{case.name} #{number}"
        for case in suite.file.cases
        for number in range(1, suite.runs(case) + 1)
    }
    judging = CachedLanguageModel(cast.think, cast.answers)
    found: list[Trial] = []
    async with cast.callee(version.raw) as agent_id:
        with Board(terminal, version.name, told) as board:
            play = board.watched(lambda own, on_event: cast.play(subject, agent_id, own, on_event))
            async for trial in trials.run(suite, subject, play, judging, seed, cast.at_once):
                found.append(trial)
                board.done(trial)
    result = collected(suite, version.name, plan.level.value, seed, found)
    cases = {case.name: suite.planned(case, 1, seed).case for case in suite.file.cases}
    tried = [(cases[each.case], each) for each in result.trials]
    return replace(result, coverage=coverage(subject, tried))


@asynccontextmanager
async def _closed(answers: Answers) -> AsyncIterator[Answers]:
    try:
        yield answers
    finally:
        await answers.close()


def _report(result: SuiteResult, reports: Reports) -> None:
    if reports.junit is not None:
        _write(reports.junit, junit(result))
    if reports.json is not None:
        _write(reports.json, rendered(result))
    if reports.html is not None:
        _write(reports.html, page(result).encode())
    beside = reports.html or reports.json
    if beside is not None:
        for place, sound in recordings(result).items():
            _write(beside.parent / "recordings" / place, sound)


def _write(path: Path, report: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(report)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror}); name another file") from None
