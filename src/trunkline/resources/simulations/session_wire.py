"""How sessions and runs are shown under /trunkline/v1, and what a session's runs add up to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from pydantic import TypeAdapter

from trunkline.resources.simulations.budget import Usage
from trunkline.resources.simulations.coverage import Coverage, Part, coverage
from trunkline.resources.simulations.details import Plan
from trunkline.resources.simulations.models import SimulationRun, SimulationSession
from trunkline.resources.simulations.results import CaseResult, SuiteResult
from trunkline.resources.simulations.run_repository import RunState
from trunkline.resources.simulations.session_schemas import (
    CaseShare,
    CoverageOut,
    DemandOut,
    Difference,
    PartOut,
    PassHat,
    RunCounts,
    RunDetails,
    SessionDetails,
    SessionResult,
    SessionSettings,
)
from trunkline.resources.simulations.status import RunStatus
from trunkline.resources.simulations.suite_file import Case, Level
from trunkline.resources.simulations.trials import Demand, Subject, Trial, seed_of
from trunkline.resources.simulations.wire import RecordingUrl

_TRIAL = TypeAdapter(Trial)


Subjects = Mapping[int | None, Subject]
"""The agent that is tested, by its version; without those of which nothing can be said any more."""


def session(row: SimulationSession, runs: Sequence[SimulationRun], subjects: Subjects) -> SessionDetails:
    """One session, and when all its runs are over what they add up to."""
    settings = settings_of(row, runs)
    far = counts(RunState(each.status, each.fence) for each in runs)
    over = far.queued + far.running == 0
    found = result(row, runs, subjects) if over and row.cancelled_at is None else None
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
        tools=settings.tools,
        judge=settings.judge,
        caps=caps,
        runs=far,
        prompt_tokens=used.prompt,
        completion_tokens=used.completion,
        cost=used.cost(caps.prompt_price, caps.completion_price) if priced else None,
        result=_result(found, runs) if found else None,
        against=_result(found.against, runs) if found and found.against else None,
        comparison=_difference(found) if found else None,
        created_at=row.created_at.isoformat(),
    )


def counts(states: Iterable[RunState]) -> RunCounts:
    """How far runs are."""
    known = list(states)
    on = [each for each in known if each.status == RunStatus.IN_PROGRESS]
    return RunCounts(
        total=len(known),
        queued=sum(not each.tries for each in on),
        running=sum(each.tries > 0 for each in on),
        completed=sum(each.status == RunStatus.COMPLETED for each in known),
        failed=sum(each.status == RunStatus.FAILED for each in known),
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
    row: SimulationSession,
    runs: Sequence[SimulationRun],
    subjects: Subjects,
    sounds: Mapping[UUID, bytes] | None = None,
) -> SuiteResult:
    """What the runs add up to, with the other version's under `against`; `sounds`: recordings by the ids of runs."""
    heard = sounds or {}
    settings = settings_of(row, runs)
    ours = [run for run in runs if row.settings is None or run.agent_version == settings.agent_version]
    found = _suite_result(settings, str(settings.agent_version), ours, subjects, heard)
    if settings.against_version is None:
        return found
    theirs = [run for run in runs if run.agent_version == settings.against_version]
    against = _suite_result(settings, str(settings.against_version), theirs, subjects, heard)
    return replace(found, against=against)


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
        executed_actions=row.executed_actions,
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
    settings: SessionSettings,
    version: str,
    runs: Sequence[SimulationRun],
    subjects: Subjects,
    sounds: Mapping[UUID, bytes],
) -> SuiteResult:
    trials = {each.id: _with_sound(trial_of(each), sounds.get(each.id, b"")) for each in runs}
    cases = []
    for _, of_case in _by_case(runs):
        theirs = sorted((trials[each.id] for each in of_case), key=lambda trial: trial.number)
        cases.append(CaseResult(of_case[0].case_name, tuple(theirs), settings.pass_share))
    return SuiteResult(
        settings.name,
        f"version {version}",
        settings.level.value,
        settings.seed,
        tuple(cases),
        coverage=_coverage(runs, trials, subjects),
    )


def _coverage(
    runs: Sequence[SimulationRun], trials: Mapping[UUID, Trial], subjects: Subjects
) -> Coverage | None:
    """What the runs have tried; None where they are of more than one version."""
    versions = {run.agent_version for run in runs}
    subject = subjects.get(versions.pop()) if len(versions) == 1 else None
    if subject is None:
        return None
    cases: dict[UUID, Case] = {}
    for run in runs:
        if run.plan is not None and run.case_id not in cases:
            cases[run.case_id] = Plan.model_validate(run.plan).planned.case
    return coverage(subject, [(cases[run.case_id], trials[run.id]) for run in runs if run.case_id in cases])


def _with_sound(trial: Trial, wav: bytes) -> Trial:
    return replace(trial, observed=replace(trial.observed, wav=wav)) if wav else trial


def _by_case(runs: Sequence[SimulationRun]) -> list[tuple[UUID, list[SimulationRun]]]:
    """The runs of each case, in the order of their names: two may share one."""
    found: dict[UUID, list[SimulationRun]] = {}
    for each in runs:
        found.setdefault(each.case_id, []).append(each)
    return sorted(found.items(), key=lambda item: (item[1][0].case_name, item[0]))


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
    tried = found.coverage and CoverageOut(
        actions=_parts(found.coverage.actions),
        transfers=_parts(found.coverage.transfers),
        prompt_rules=_parts(found.coverage.prompt_rules),
        end_reasons=_parts(found.coverage.end_reasons),
    )
    return SessionResult(passed=found.passed, pass_hat=hats, cases=cases, coverage=tried)


def _parts(parts: Sequence[Part]) -> list[PartOut]:
    return [PartOut(name=each.name, runs=each.runs) for each in parts]


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
