"""How a run goes, live on the terminal, and what came of it."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from trunkline.resources.simulations.happenings import Called, Said
from trunkline.resources.simulations.matching import described
from trunkline.resources.simulations.mocks import MockedTools
from trunkline.resources.simulations.page import needed
from trunkline.resources.simulations.persona import Persona
from trunkline.resources.simulations.results import SuiteResult
from trunkline.resources.simulations.text_level import OnEvent
from trunkline.resources.simulations.trials import Observed, Play, Trial
from trunkline.resources.simulations.verdicts import Outcome
from trunkline.voice.conversation.profile import Profile

MakePlay = Callable[[int, OnEvent], Play]
"""The way to make the call of one trial, by its seed."""
_SHOWN = 8
"""Calls that are shown while they go on."""
_NAMED, _LONGEST = 3, 40
"""What was never tried: so many are named, in so many letters; the reports have them all."""
_STYLES = {Outcome.PASS: "green", Outcome.CANNOT_TELL: "yellow"}


class Board:
    """The calls that are on, a bar, and each trial as it is done."""

    def __init__(self, terminal: Console, name: str, trials: Mapping[int, str]) -> None:
        """`trials`: what each is called, by its seed."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=terminal)
        self._bar = self._progress.add_task(name, total=len(trials))
        self._name = name
        self._trials = trials
        self._on: dict[int, str] = {}
        """What was said last in each call that is on."""
        self._outcomes: list[Outcome | None] = []
        self._live = Live(get_renderable=self._render, console=terminal, transient=True, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def watched(self, make: MakePlay) -> Play:
        """Calls that are shown while they go on."""

        async def play(
            agent: Profile, persona: Persona, mocks: MockedTools, max_turns: int, seed: int, calls: bool
        ) -> Observed:
            self._on[seed] = ""
            try:
                level = make(seed, lambda event: self._heard(seed, event))
                return await level(agent, persona, mocks, max_turns, seed, calls)
            finally:
                del self._on[seed]

        return play

    def done(self, trial: Trial) -> None:
        """A trial was made and judged."""
        self._outcomes.append(trial.outcome)
        passed = self._outcomes.count(Outcome.PASS)
        missed = len(self._outcomes) - passed
        told = f"{self._name}  {passed} passed" + (f", {missed} not" if missed else "")
        self._progress.update(self._bar, advance=1, description=told)
        self._live.console.print(line(trial))

    def _heard(self, seed: int, event: Said | Called) -> None:
        self._on[seed] = described(event)

    def _render(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis")
        for seed, said in list(self._on.items())[:_SHOWN]:
            table.add_row(Text(f"  {self._trials.get(seed, '')}"), Text(said, style="dim"))
        return Group(self._progress, table)


def line(trial: Trial) -> Text:
    """One trial, with what it missed."""
    style = _STYLES.get(trial.outcome or Outcome.FAIL, "red")
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


def show(result: SuiteResult, terminal: Console) -> None:
    """What it all came to."""
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
    if (wait := result.wait) is not None:
        terminal.print(
            Text(f"the agent answers after {wait.median} ms, 95 of 100 times within {wait.p95} ms")
        )
    _show_coverage(result, terminal)
    if (found := result.comparison) is not None and result.against is not None:
        told = (
            f"{found.difference:+.0%} [{found.interval.low:+.0%}, {found.interval.high:+.0%}] against "
            f"{result.against.agent}: {found.gained} runs gained, {found.lost} lost, p = {found.p_value:.3f}. "
            f"{needed(result)}"
        )
        terminal.print(Text(told.rstrip()))


def _show_coverage(result: SuiteResult, terminal: Console) -> None:
    if result.coverage is None:
        return
    for name, parts in result.coverage.groups.items():
        never = [_short(each.name) for each in parts if not each.runs]
        text = Text(f"{name}: {len(parts) - len(never)} of {len(parts)} tried")
        if never:
            more = f"; and {len(never) - _NAMED} more" if len(never) > _NAMED else ""
            text.append(f"; never: {'; '.join(never[:_NAMED])}{more}", style="yellow")
        terminal.print(text)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
