"""`trunkline simulate run`: a suite in a YAML file, run in this process; no platform is needed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from trunkline.errors import BadInput
from trunkline.resources.simulations import trials
from trunkline.resources.simulations.junit import junit
from trunkline.resources.simulations.page import page
from trunkline.resources.simulations.results import SuiteResult, collected, document
from trunkline.resources.simulations.suite_file import AgentName, Level, Suite, read_agent, read_suite
from trunkline.resources.simulations.trials import Subject, Trial
from trunkline.resources.simulations.verdicts import Outcome
from trunkline.roles.language import thinking
from trunkline.settings import Settings
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel
from trunkline.voice.scripted import chat
from trunkline.voice.scripted.script import ChatScript

_FORM = "[Answer with the "
"""Begins what a form asks for in words."""


class Exit(IntEnum):
    """What the command says to CI."""

    PASS = 0
    FAIL = 1
    ERROR = 2
    """Something could not be run; nothing is known of the agent."""


@dataclass(frozen=True)
class Wanted:
    """What the command line asked for. None: as the suite says, or no such file."""

    suite: Path
    level: Level | None = None
    repeats: int | None = None
    seed: int | None = None
    cases: tuple[str, ...] = ()
    """Names; () for all."""
    against: Path | None = None
    """Another version of the agent, as YAML."""
    script: Path | None = None
    """The answers of a scripted model in place of a real one, as JSON."""
    at_once: int = 1
    junit: Path | None = None
    json: Path | None = None
    html: Path | None = None


def level(name: str | None) -> Level | None:
    """The level of that name. Raises BadInput."""
    if name is None:
        return None
    try:
        return Level(name)
    except ValueError:
        raise BadInput(f"--level {name}: there are {', '.join(Level)}") from None


async def run(settings: Settings, wanted: Wanted, terminal: Console) -> Exit:
    """Run a suite, show how it goes and write its reports. Raises TrunklineError when it cannot begin."""
    suite = _suite(wanted)
    against = read_agent(wanted.against) if wanted.against else None
    if isinstance(suite.agent, AgentName):
        raise BadInput(
            f"{suite.path}: agent: agents of an installation are run over the API; name a YAML file of the agent here"
        )
    if suite.file.level is not Level.TEXT:
        raise BadInput(f"--level {suite.file.level.value} is not run from a file yet; use --level text")
    async with _model(settings, wanted.script) as model:
        result = await _result(suite, Subject.of(suite.agent), suite.agent.name, model, wanted, terminal)
        if against is not None:
            name = f"{against.name} ({wanted.against})"
            other = await _result(suite, Subject.of(against), name, model, wanted, terminal)
            result = replace(result, against=other)
    _report(result, wanted)
    _show(result, terminal)
    if result.errors:
        return Exit.ERROR
    return Exit.PASS if result.passed else Exit.FAIL


def _suite(wanted: Wanted) -> Suite:
    """As the file says, with what the command line says in its place."""
    suite = read_suite(wanted.suite)
    names = [case.name for case in suite.file.cases]
    unknown = next((name for name in wanted.cases if name not in names), None)
    if unknown is not None:
        raise BadInput(f"{wanted.suite}: there is no case {unknown!r}; there are: {', '.join(names)}")
    cases = tuple(
        case.model_copy(update={"repeats": wanted.repeats}) if wanted.repeats is not None else case
        for case in suite.file.cases
        if not wanted.cases or case.name in wanted.cases
    )
    changes: dict[str, object] = {"cases": cases}
    if wanted.level is not None:
        changes["level"] = wanted.level
    if wanted.seed is not None:
        changes["seed"] = wanted.seed
    return replace(suite, file=suite.file.model_copy(update=changes))


async def _result(
    suite: Suite, subject: Subject, name: str, model: LanguageModel, wanted: Wanted, terminal: Console
) -> SuiteResult:
    total = sum(suite.runs(case) for case in suite.file.cases)
    found: list[Trial] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True) as progress:
        bar = progress.add_task(name, total=total)
        play = trials.in_text(model)
        async for trial in trials.run(suite, subject, play, model, suite.file.seed, wanted.at_once):
            found.append(trial)
            progress.advance(bar)
            progress.console.print(_line(trial))
    return collected(suite, name, suite.file.level.value, suite.file.seed, found)


def _line(trial: Trial) -> Text:
    """One trial on the terminal, with what it missed."""
    style = {Outcome.PASS: "green", Outcome.CANNOT_TELL: "yellow"}.get(trial.outcome or Outcome.FAIL, "red")
    word = trial.outcome.value.replace("_", " ") if trial.outcome else "error"
    text = Text.assemble((f"{word:<11}", style), f" {trial.case} #{trial.number}")
    if trial.error:
        text.append(f"\n            {trial.error}", style="red")
    for each in trial.demands:
        if each.verdict.outcome is not Outcome.PASS:
            text.append(f"\n            {each.what}: {each.verdict.reason}")
            for quote in each.verdict.evidence:
                text.append(f"\n            > {quote}", style="dim")
    return text


def _show(result: SuiteResult, terminal: Console) -> None:
    table = Table("case", "runs passed", "share, 95 %", box=None)
    for case in result.cases:
        share = f"{case.share:.0%} [{case.interval.low:.0%}, {case.interval.high:.0%}]"
        colour = "green" if case.passed else "red"
        table.add_row(Text(case.name, colour), f"{sum(case.outcomes)} of {len(case.trials)}", Text(share))
    terminal.print(table)
    for k in sorted({1, result.repeats}):
        interval = result.interval(k)
        told = f"pass^{k} {result.pass_hat(k):.0%} [{interval.low:.0%}, {interval.high:.0%}]"
        terminal.print(Text(told))
    if (found := result.comparison) is not None and result.against is not None:
        told = (
            f"{found.difference:+.0%} [{found.interval.low:+.0%}, {found.interval.high:+.0%}] against "
            f"{result.against.agent}: {found.gained} runs gained, {found.lost} lost, p = {found.p_value:.3f}"
        )
        terminal.print(Text(told))


def _report(result: SuiteResult, wanted: Wanted) -> None:
    if wanted.junit is not None:
        _write(wanted.junit, junit(result))
    if wanted.json is not None:
        _write(wanted.json, (json.dumps(document(result), ensure_ascii=False, indent=1) + "\n").encode())
    if wanted.html is not None:
        _write(wanted.html, page(result).encode())


def _write(path: Path, report: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(report)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror}); name another file") from None


@asynccontextmanager
async def _model(settings: Settings, script: Path | None) -> AsyncIterator[LanguageModel]:
    if script is not None:
        yield scripted(script)
        return
    async with thinking(settings) as language:
        yield language.think


def scripted(path: Path) -> ScriptedLanguageModel:
    """A model that answers by a script as `trunkline scripted` reads it, its member `llm` alone. Raises BadInput."""
    try:
        script = ChatScript.model_validate(json.loads(path.read_text(encoding="utf-8")).get("llm", {}))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); name a JSON file") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"{path}: llm.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (ValueError, AttributeError) as error:
        raise BadInput(f"{path}: is no JSON object: {error}") from None

    def rule(messages: object) -> Said:
        assert isinstance(messages, list | tuple)
        said = chat.reply(script, list(messages))
        if (form := _form(messages[-1].get("content"))) is not None:
            return Line(chat.shaped(said, form).text)
        tool = said.tools[0] if said.tools else None
        return Line(said.text, tool.name if tool else None, tool.arguments if tool else {})

    return ScriptedLanguageModel(rule=rule)


def _form(asked: object) -> dict[str, object] | None:
    """The schema of a form that is asked for in words."""
    if not isinstance(asked, str) or _FORM not in asked:
        return None
    schema: dict[str, object] = json.loads(asked[asked.rindex("JSON schema: ") + 13 : -1])
    return schema
