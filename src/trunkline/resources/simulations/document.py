"""A suite's result as JSON; the same trials give the same text."""

import hashlib
from typing import Any

from trunkline.resources.simulations.coverage import Coverage
from trunkline.resources.simulations.results import POWER, CaseResult, SuiteResult
from trunkline.resources.simulations.statistics import Interval
from trunkline.resources.simulations.trials import Demand, Trial, lines


def document(result: SuiteResult) -> dict[str, Any]:
    """The whole result. Of recordings it holds the digest, so that equal documents had equal sound."""
    found: dict[str, Any] = {
        "suite": result.suite,
        "agent": result.agent,
        "level": result.level,
        "seed": result.seed,
        "passed": result.passed,
        "pass_hat": {
            str(k): {"value": result.pass_hat(k), **_interval(result.interval(k))}
            for k in sorted({1, result.repeats})
        },
        "cases": [_case(case) for case in result.cases],
    }
    if (wait := result.wait) is not None:
        found["wait_ms"] = {"median": wait.median, "p95": wait.p95, "turns": wait.turns}
    if result.coverage is not None:
        found["coverage"] = _coverage(result.coverage)
    if (comparison := result.comparison) is not None and result.against is not None:
        found["against"] = document(result.against)
        found["comparison"] = {
            "difference": comparison.difference,
            **_interval(comparison.interval),
            "gained": comparison.gained,
            "lost": comparison.lost,
            "p_value": comparison.p_value,
            "pairs_needed": result.pairs_needed,
            "power": POWER,
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
    observed = trial.observed
    happened = observed.happened
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
        "end_detail": happened.end_detail,
        "state": happened.state,
        "ledgers": [dict(each) for each in observed.ledgers],
        "recording_sha256": hashlib.sha256(observed.wav).hexdigest() if observed.wav else None,
    }


def _demand(demand: Demand) -> dict[str, Any]:
    return {
        "by": demand.by,
        "what": demand.what,
        "outcome": demand.verdict.outcome.value,
        "reason": demand.verdict.reason,
        "evidence": list(demand.verdict.evidence),
    }


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        name.replace(" ", "_"): [{"name": each.name, "runs": each.runs} for each in parts]
        for name, parts in coverage.groups.items()
    }


def _interval(interval: Interval) -> dict[str, float]:
    return {"low": interval.low, "high": interval.high}
