"""How the rows of simulations are shown."""

from collections.abc import Callable, Sequence
from typing import Any

from trunkline.resources.agents.models import Agent
from trunkline.resources.simulations.models import (
    SimulationCase,
    SimulationRun,
    SimulationScenario,
    SimulationSession,
    SimulationSuite,
)
from trunkline.resources.simulations.schemas import (
    Analysis,
    BaseAgent,
    CaseOut,
    CaseSummary,
    Evaluation,
    Execution,
    ExecutionAnswer,
    RunOut,
    ScenarioOut,
    SessionOut,
    SuiteAgent,
    SuiteListItem,
    SuiteOut,
)
from trunkline.resources.simulations.service import Agents
from trunkline.resources.simulations.status import RunStatus
from trunkline.resources.simulations.trials import Trial
from trunkline.resources.simulations.verdicts import Outcome, Verdict

CANNOT_TELL = "Cannot tell: "
"""Begins the reasoning where the contract knows of two outcomes only."""

RecordingUrl = Callable[[SimulationRun], str | None]
"""How a run's recording is linked to."""


def case(row: SimulationCase, agents: Agents) -> CaseOut:
    """One case."""
    base = agents.get(row.base_agent_id) if row.base_agent_id else None
    return CaseOut(
        simulation_case_id=str(row.id),
        workspace_id=str(row.workspace_id),
        suite_id=str(row.suite_id) if row.suite_id else None,
        name=row.name,
        prompt=row.prompt,
        type=row.type,
        success_criteria=row.success_criteria,
        call_success_type=row.call_success_type,
        base_agent=_base_agent(base) if base else None,
        created_at=row.created_at.isoformat(),
        updated_at=row.updated_at.isoformat(),
    )


def suite(row: SimulationSuite, cases: Sequence[SimulationCase], agents: Agents) -> SuiteOut:
    """One suite with its cases."""
    return SuiteOut(**_suite(row, agents), cases=[case(each, agents) for each in cases])


def suite_in_list(row: SimulationSuite, cases: Sequence[SimulationCase], agents: Agents) -> SuiteListItem:
    """A suite in a list."""
    summaries = [CaseSummary(simulation_case_id=str(each.id), name=each.name) for each in cases]
    return SuiteListItem(**_suite(row, agents), case_summaries=summaries)


def scenario(row: SimulationScenario) -> ScenarioOut:
    """One scenario."""
    return ScenarioOut(
        id=str(row.id),
        name=row.name,
        description=row.description,
        workspace_id=str(row.workspace_id),
        created_at=row.created_at.isoformat(),
        updated_at=row.updated_at.isoformat(),
    )


def execution(row: SimulationSuite, runs: Sequence[SimulationRun]) -> ExecutionAnswer:
    """What was begun for a suite."""
    begun = Execution(
        session_id=str(runs[0].session_id),
        suite_id=str(row.id),
        suite_name=row.name,
        total_cases=len(runs),
        status="in-progress",
    )
    return ExecutionAnswer(**begun.model_dump(), response=begun)


def run(row: SimulationRun, agents: Agents, recording_url: RecordingUrl) -> RunOut:
    """One run. Nobody is telephoned in it, so it has no persona's number and no call."""
    agent = agents[row.agent_id]
    return RunOut(
        simulation_id=str(row.id),
        simulation_session_id=str(row.session_id),
        simulation_case_id=str(row.case_id),
        simulation_case_name=row.case_name,
        simulation_case_prompt=row.case_prompt,
        success_criteria=row.success_criteria,
        call_success_type=row.call_success_type,
        persona_agent_id=None,
        persona_phone_number=None,
        target_agent_id=str(row.agent_id),
        agent_name=agent.name,
        agent_avatar_url=None,
        target_phone_number=agent.phone_number or None,
        target_call_id=None,
        custom_variables=row.variables,
        status=row.status,
        workspace_id=str(row.workspace_id),
        created_at=row.created_at.isoformat(),
        updated_at=row.updated_at.isoformat(),
        error_info=row.error,
        recording_url=recording_url(row),
        timeline=row.timeline,
        success_criteria_analysis=row.analysis,
    )


def analysis(trial: Trial) -> Analysis | None:
    """What the judge said of each criterion; success knows the rules too. None where nothing was demanded."""
    if not trial.demands:
        return None
    judged = [each.verdict for each in trial.demands if each.by == "judge"]
    return Analysis(success=trial.outcome is Outcome.PASS, evaluations=[_evaluation(each) for each in judged])


def session(
    row: SimulationSession, runs: Sequence[SimulationRun], agents: Agents, recording_url: RecordingUrl
) -> SessionOut:
    """One session with its runs."""
    statuses = [each.status for each in runs]
    return SessionOut(
        simulation_session_id=str(row.id),
        simulations=[run(each, agents, recording_url) for each in runs],
        total_simulations=len(runs),
        completed_simulations=statuses.count(RunStatus.COMPLETED),
        failed_simulations=statuses.count(RunStatus.FAILED),
        pending_simulations=statuses.count(RunStatus.IN_PROGRESS),
    )


def _evaluation(verdict: Verdict) -> Evaluation:
    unclear = verdict.outcome is Outcome.CANNOT_TELL
    return Evaluation(
        success=verdict.outcome is Outcome.PASS,
        reasoning=f"{CANNOT_TELL if unclear else ''}{verdict.reason}",
    )


def _base_agent(agent: Agent) -> BaseAgent:
    return BaseAgent(
        model_id=str(agent.id),
        agent_name=agent.name,
        agent_type=agent.type,
        voice_engine_type=agent.settings.get("voice_synthesizer", ""),
        phone_number=agent.phone_number or None,
        updated_at=agent.updated_at.isoformat(),
        image_url=None,
    )


def _suite(row: SimulationSuite, agents: Agents) -> dict[str, Any]:
    agent = agents[row.agent_id]
    return {
        "id": str(row.id),
        "name": row.name,
        "model_id": str(row.agent_id),
        "workspace_id": str(row.workspace_id),
        "language": row.language,
        "agent": SuiteAgent(id=str(agent.id), name=agent.name, avatar=None),
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }
