"""How sessions and runs are shown under /trunkline/v1, and what a session's runs add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from pydantic import TypeAdapter

from trunkline.resources.simulations.budget import Usage
from trunkline.resources.simulations.details import Plan
from trunkline.resources.simulations.models import SimulationRun, SimulationSession
from trunkline.resources.simulations.results import CaseResult, SuiteResult
from trunkline.resources.simulations.session_schemas import (
    CaseShare,
    DemandOut,
    Difference,
    PassHat,
    RunCounts,
    RunDetails,
    SessionDetails,
    SessionResult,
    SessionSettings,
)
from trunkline.resources.simulations.status import RunStatus
from trunkline.resources.simulations.suite_file import Level
from trunkline.resources.simulations.trials import Demand, Trial, seed_of
from trunkline.resources.simulations.wire import RecordingUrl

_TRIAL = TypeAdapter(Trial)


def session(row: SimulationSession, runs: Sequence[SimulationRun]) -> SessionDetails:
    """One session, and when all its runs are over what they add up to."""
    settings = settings_of(row, runs)
    counts = _counts(runs)
    over = counts.queued + counts.running == 0
    found = result(row, runs) if over and row.cancelled_at is None else None
    used = Usage(
        prompt=sum(run.prompt_tokens for run in runs), completion=sum(run.completion_tokens for run in runs)
    )
    caps = settings.caps
    priced = bool(caps.prompt_price or caps.completion_price)
    return SessionDetails(
        simulation_session_id=str(row.id),
        name=settings.name,
        status="cancelled" if row.cancelled_at else "completed" if over else "in-progress",
        target_agent_id=str(runs[0].agent_id),
        agent_version=_version(settings.agent_version),
        against_version=_version(settings.against_version),
        level=settings.level,
        seed=settings.seed,
        repeats=settings.repeats,
        pass_share=settings.pass_share,
        judge=settings.judge,
        caps=caps,
        runs=counts,
        prompt_tokens=used.prompt,
        completion_tokens=used.completion,
        cost=used.cost(caps.prompt_price, caps.completion_price) if priced else None,
        result=_result(found, runs) if found else None,
        against=_result(found.against, runs) if found and found.against else None,
        comparison=_difference(found) if found else None,
        created_at=row.created_at.isoformat(),
    )


def settings_of(row: SimulationSession, runs: Sequence[SimulationRun]) -> SessionSettings:
    """What a session was begun with; of one that was opened by the contract's paths, what its first run tells."""
    if row.settings is not None:
        return SessionSettings.model_validate(row.settings)
    first = runs[0]
    plan = Plan.model_validate(first.plan) if first.plan else None
    return SessionSettings(
        name=first.case_name,
        seed=plan.planned.seed if plan else 0,
        agent_version=first.agent_version or 0,
    )


def result(
    row: SimulationSession, runs: Sequence[SimulationRun], sounds: Mapping[UUID, bytes] | None = None
) -> SuiteResult:
    """What the runs add up to, with the other version's under `against`; `sounds`: recordings by the ids of runs."""
    heard = sounds or {}
    settings = settings_of(row, runs)
    ours = [run for run in runs if row.settings is None or run.agent_version == settings.agent_version]
    found = _suite_result(settings, str(settings.agent_version), ours, heard)
    if settings.against_version is None:
        return found
    theirs = [run for run in runs if run.agent_version == settings.against_version]
    return replace(found, against=_suite_result(settings, str(settings.against_version), theirs, heard))


def run(row: SimulationRun, original: SimulationRun | None, recording_url: RecordingUrl) -> RunDetails:
    """One run with all that came of it; `original`: the one that it repeats."""
    plan = Plan.model_validate(row.plan) if row.plan else None
    trial = trial_of(row)
    stored = row.trial or {}
    observed = stored.get("observed", {})
    over = row.status == RunStatus.COMPLETED
    return RunDetails(
        simulation_id=str(row.id),
        simulation_session_id=str(row.session_id),
        simulation_case_id=str(row.case_id),
        simulation_case_name=row.case_name,
        target_agent_id=str(row.agent_id),
        agent_version=_version(row.agent_version),
        level=plan.level if plan else Level.TEXT,
        number=plan.planned.number if plan else 1,
        seed=trial.seed if plan else None,
        status=RunStatus(row.status),
        outcome=trial.outcome.value if trial.outcome else None,
        demands=[_demand(each) for each in trial.demands],
        timeline=row.timeline,
        happened=observed.get("happened"),
        ledgers=observed.get("ledgers", []),
        tries=row.fence,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        provider_calls=row.provider_calls,
        recording_url=recording_url(row),
        replays=str(row.replays) if row.replays else None,
        equal=row.trial == original.trial if original is not None and over else None,
        error_info=row.error,
    )


def trial_of(row: SimulationRun) -> Trial:
    """The trial that a run was, or what kept it from being one."""
    if row.trial is not None:
        return _TRIAL.validate_python(row.trial)
    plan = Plan.model_validate(row.plan) if row.plan else None
    number = plan.planned.number if plan else 1
    seed = seed_of(plan.planned.seed, row.case_name, number) if plan else 0
    return Trial(row.case_name, number, seed, error=(row.error or {}).get("message", ""))


def _suite_result(
    settings: SessionSettings, version: str, runs: Sequence[SimulationRun], sounds: Mapping[UUID, bytes]
) -> SuiteResult:
    cases = []
    for _, of_case in _by_case(runs):
        trials = [_with_sound(trial_of(each), sounds.get(each.id, b"")) for each in of_case]
        trials.sort(key=lambda trial: trial.number)
        cases.append(CaseResult(of_case[0].case_name, tuple(trials), settings.pass_share))
    agent = f"version {version}"
    return SuiteResult(settings.name, agent, settings.level.value, settings.seed, tuple(cases))


def _with_sound(trial: Trial, wav: bytes) -> Trial:
    return replace(trial, observed=replace(trial.observed, wav=wav)) if wav else trial


def _by_case(runs: Sequence[SimulationRun]) -> list[tuple[UUID, list[SimulationRun]]]:
    """The runs of each case, in the order of their names: two may share one."""
    found: dict[UUID, list[SimulationRun]] = {}
    for each in runs:
        found.setdefault(each.case_id, []).append(each)
    return sorted(found.items(), key=lambda item: (item[1][0].case_name, item[0]))


def _counts(runs: Sequence[SimulationRun]) -> RunCounts:
    on = [run for run in runs if run.status == RunStatus.IN_PROGRESS]
    return RunCounts(
        total=len(runs),
        queued=sum(not run.fence for run in on),
        running=sum(run.fence > 0 for run in on),
        completed=sum(run.status == RunStatus.COMPLETED for run in runs),
        failed=sum(run.status == RunStatus.FAILED for run in runs),
    )


def _result(found: SuiteResult, runs: Sequence[SimulationRun]) -> SessionResult:
    hats = []
    for k in sorted({1, found.repeats}):
        interval = found.interval(k)
        hats.append(PassHat(k=k, value=found.pass_hat(k), low=interval.low, high=interval.high))
    cases = [
        CaseShare(
            simulation_case_id=str(case_id),
            name=case.name,
            passed=case.passed,
            runs=len(case.trials),
            value=case.share,
            low=case.interval.low,
            high=case.interval.high,
        )
        for (case_id, _), case in zip(_by_case(runs), found.cases, strict=True)
    ]
    return SessionResult(passed=found.passed, pass_hat=hats, cases=cases)


def _difference(found: SuiteResult) -> Difference | None:
    if (made := found.comparison) is None:
        return None
    return Difference(
        difference=made.difference,
        low=made.interval.low,
        high=made.interval.high,
        gained=made.gained,
        lost=made.lost,
        p_value=made.p_value,
    )


def _demand(demand: Demand) -> DemandOut:
    verdict = demand.verdict
    return DemandOut(
        by=demand.by,
        what=demand.what,
        outcome=verdict.outcome.value,
        reason=verdict.reason,
        evidence=list(verdict.evidence),
    )


def _version(n: int | None) -> str | None:
    return None if n is None else str(n)
