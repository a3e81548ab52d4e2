"""What the trials of a suite add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trunkline.resources.simulations import statistics
from trunkline.resources.simulations.coverage import Coverage
from trunkline.resources.simulations.statistics import Comparison, Interval
from trunkline.resources.simulations.suite_file import Suite
from trunkline.resources.simulations.trials import Trial
from trunkline.resources.simulations.verdicts import Outcome

POWER = 0.8
"""The share of comparisons in which a change of this size shall be seen."""


@dataclass(frozen=True)
class CaseResult:
    """One case with its trials, in the order of their numbers."""

    name: str
    trials: tuple[Trial, ...]
    wanted: float
    """The share of trials that must pass."""

    @property
    def outcomes(self) -> list[bool]:
        """Whether each trial passed."""
        return [each.outcome is Outcome.PASS for each in self.trials]

    @property
    def share(self) -> float:
        """Of the trials that passed."""
        return sum(self.outcomes) / len(self.trials)

    @property
    def interval(self) -> Interval:
        """Of `share`, with a confidence of 95 %."""
        return statistics.wilson(sum(self.outcomes), len(self.trials))

    @property
    def errors(self) -> list[str]:
        """Why trials could not be made."""
        return [each.error for each in self.trials if each.outcome is None]

    @property
    def passed(self) -> bool:
        """Did enough of its trials pass?"""
        return self.share >= self.wanted


@dataclass(frozen=True)
class Flip:
    """A run that came out otherwise with the other version."""

    then: Trial
    now: Trial

    @property
    def gained(self) -> bool:
        """It passes now."""
        return self.now.outcome is Outcome.PASS


@dataclass(frozen=True)
class Wait:
    """What callers waited for the agent, in ms."""

    median: int
    p95: int
    turns: int


@dataclass(frozen=True)
class SuiteResult:
    """A suite that was run."""

    suite: str
    agent: str
    level: str
    seed: int
    cases: tuple[CaseResult, ...]
    against: "SuiteResult | None" = None
    """The same with another version of the agent."""
    coverage: Coverage | None = None
    """None: the agent's own body is not known here."""

    @property
    def passed(self) -> bool:
        """Did every case pass?"""
        return all(case.passed for case in self.cases)

    @property
    def errors(self) -> list[str]:
        """Why trials could not be made, of all cases."""
        other = self.against.errors if self.against else []
        return [*(error for case in self.cases for error in case.errors), *other]

    @property
    def repeats(self) -> int:
        """The fewest runs of a case: the greatest k of pass^k."""
        return min(len(case.trials) for case in self.cases)

    @property
    def wait(self) -> Wait | None:
        """Over all turns with a time; None where nothing has one."""
        gaps = [
            each["heard_gap_ms"]
            for case in self.cases
            for trial in case.trials
            for each in trial.observed.ledgers
            if each.get("heard_gap_ms")
        ]
        if not gaps:
            return None
        return Wait(int(np.percentile(gaps, 50)), int(np.percentile(gaps, 95)), len(gaps))

    def pass_hat(self, k: int) -> float:
        """The probability that k runs of a case all pass; the mean over cases."""
        return statistics.suite_pass_hat(self._outcomes, k)

    def interval(self, k: int) -> Interval:
        """Of pass^k, with a confidence of 95 %."""
        return statistics.suite_interval(self._outcomes, k, seed=self.seed)

    @cached_property
    def comparison(self) -> Comparison | None:
        """From the other version to this one; None without another."""
        if self.against is None:
            return None
        return statistics.compare(self.against._outcomes, self._outcomes, seed=self.seed)

    @cached_property
    def pairs_needed(self) -> int | None:
        """Pairs of runs after which a change of the size that was seen is found; None: there is none, or it is too small."""
        if self.against is None:
            return None
        before, after = (
            sum(map(sum, each._outcomes)) / sum(map(len, each._outcomes)) for each in (self.against, self)
        )
        try:
            return statistics.runs_needed(before, after, POWER)
        except ValueError:
            return None

    @property
    def flips(self) -> list[Flip]:
        """Runs that came out otherwise, of each case in order."""
        if self.against is None:
            return []
        pairs = zip(self.against.trials, self.trials, strict=True)
        return [
            Flip(then, now)
            for then, now in pairs
            if (then.outcome is Outcome.PASS) is not (now.outcome is Outcome.PASS)
        ]

    @property
    def trials(self) -> list[Trial]:
        """Of all cases, in order."""
        return [each for case in self.cases for each in case.trials]

    @property
    def _outcomes(self) -> list[list[bool]]:
        return [case.outcomes for case in self.cases]


def collected(suite: Suite, agent: str, level: str, seed: int, trials: Sequence[Trial]) -> SuiteResult:
    """The result of trials, whatever their order."""
    cases = [
        CaseResult(
            case.name,
            tuple(sorted((each for each in trials if each.case == case.name), key=lambda each: each.number)),
            suite.file.pass_share,
        )
        for case in suite.file.cases
    ]
    return SuiteResult(suite.name, agent, level, seed, tuple(cases))
