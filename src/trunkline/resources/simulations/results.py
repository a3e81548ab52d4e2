"""What the trials of a suite add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trunkline.resources.simulations import statistics
from trunkline.resources.simulations.statistics import Comparison, Interval
from trunkline.resources.simulations.suite_file import Suite
from trunkline.resources.simulations.trials import Demand, Trial, lines
from trunkline.resources.simulations.verdicts import Outcome


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
class SuiteResult:
    """A suite that was run."""

    suite: str
    agent: str
    level: str
    seed: int
    cases: tuple[CaseResult, ...]
    against: "SuiteResult | None" = None
    """The same with another version of the agent."""

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

    def pass_hat(self, k: int) -> float:
        """The probability that k runs of a case all pass; the mean over cases."""
        return statistics.suite_pass_hat(self._outcomes, k)

    def interval(self, k: int) -> Interval:
        """Of pass^k, with a confidence of 95 %."""
        return statistics.suite_interval(self._outcomes, k, seed=self.seed)

    @property
    def comparison(self) -> Comparison | None:
        """From the other version to this one; None without another."""
        if self.against is None:
            return None
        return statistics.compare(self.against._outcomes, self._outcomes, seed=self.seed)

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


def document(result: SuiteResult) -> dict[str, Any]:
    """The result as JSON; the same trials give the same text."""
    highest = {1, result.repeats}
    found: dict[str, Any] = {
        "suite": result.suite,
        "agent": result.agent,
        "level": result.level,
        "seed": result.seed,
        "passed": result.passed,
        "pass_hat": {
            str(k): {"value": result.pass_hat(k), **_interval(result.interval(k))} for k in sorted(highest)
        },
        "cases": [_case(case) for case in result.cases],
    }
    if (comparison := result.comparison) is not None and result.against is not None:
        found["against"] = document(result.against)
        found["comparison"] = {
            "difference": comparison.difference,
            **_interval(comparison.interval),
            "gained": comparison.gained,
            "lost": comparison.lost,
            "p_value": comparison.p_value,
        }
    return found


def _case(case: CaseResult) -> dict[str, Any]:
    return {
        "name": case.name,
        "passed": case.passed,
        "share": case.share,
        **_interval(case.interval),
        "trials": [_trial(each) for each in case.trials],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    happened = trial.observed.happened
    return {
        "number": trial.number,
        "seed": trial.seed,
        "outcome": trial.outcome.value if trial.outcome else "error",
        "error": trial.error or None,
        "demands": [_demand(each) for each in trial.demands],
        "transcript": [line for _, line in lines(happened)],
        "calls": [
            {"name": each.name, "arguments": dict(each.arguments), "result": each.result, "ok": each.ok}
            for each in happened.calls or ()
        ],
        "transfers": list(happened.transfers or ()),
        "end_reason": happened.end_reason,
        "state": happened.state,
        "ledgers": [dict(each) for each in trial.observed.ledgers],
    }


def _demand(demand: Demand) -> dict[str, Any]:
    return {
        "by": demand.by,
        "what": demand.what,
        "outcome": demand.verdict.outcome.value,
        "reason": demand.verdict.reason,
        "evidence": list(demand.verdict.evidence),
    }


def _interval(interval: Interval) -> dict[str, float]:
    return {"low": interval.low, "high": interval.high}
