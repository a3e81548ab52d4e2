"""Simulations on the wire."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from trunkline.platform.http.pagination import Pagination
from trunkline.platform.http.wire import Wire, WireInput, example
from trunkline.resources.agents import vocabulary
from trunkline.resources.calls.schemas import Variables
from trunkline.resources.simulations.status import RunStatus

MOST_CRITERIA = 50

Text = Annotated[str, Field(min_length=1)]
Criteria = Annotated[list[Text], Field(max_length=MOST_CRITERIA)]


def _language(value: str) -> str:
    if value == "multi":
        raise ValueError("a suite has one language; use one such as en-US or es-ES instead of 'multi'")
    return vocabulary.language(value)


class CaseType(StrEnum):
    """Whether a case was written freely or for an agent."""

    CUSTOM = "custom"
    AGENT_BASED = "agent_based"


class CallSuccess(StrEnum):
    """How many criteria must hold."""

    ALL = "all"
    ANY = "any"


class SimulationTest(StrEnum):
    """What a generated case is out for."""

    CSAT_SCORE = "csat_score"
    ACCURACY_OF_RESPONSES = "accuracy_of_responses"
    SCRIPT_COMPLIANCE = "script_compliance"
    ANGRY_USER = "angry_user"
    REPETITIVE_PHRASES = "repetitive_phrases"
    CONVERSATIONAL_NATURALNESS = "conversational_naturalness"
    TASK_COMPLETION = "task_completion"


# ---- cases ---------------------------------------------------------------------------------------------


class CaseUpdate(WireInput):
    """What may be changed of a case. What is left out keeps its value."""

    model_config = example(success_criteria=["The agent books a table.", "The agent repeats the time."])

    name: Text | None = None
    prompt: Text | None = None
    """The persona: who calls, and what for."""
    success_criteria: Criteria | None = None
    call_success_type: CallSuccess | None = None
    suite_id: str | None = None


class CaseCreate(CaseUpdate):
    """A new case."""

    model_config = example(
        name="Books a table",
        prompt="You want a table for two tonight.",
        success_criteria=["The agent books a table."],
        call_success_type="all",
        type="custom",
    )

    name: Text
    prompt: Text
    type: CaseType
    success_criteria: Criteria
    call_success_type: CallSuccess
    base_agent_id: str | None = None


class BaseAgent(Wire):
    """The agent that a case was written for."""

    model_id: str
    agent_name: str
    agent_type: str
    voice_engine_type: str
    phone_number: str | None
    updated_at: str
    image_url: str | None


class CaseOut(Wire):
    """One case."""

    simulation_case_id: str
    workspace_id: str
    suite_id: str | None
    name: str
    prompt: str
    type: CaseType
    success_criteria: list[str]
    call_success_type: CallSuccess
    base_agent: BaseAgent | None
    created_at: str
    updated_at: str


class CaseCreated(Wire):
    """The answer to create."""

    simulation_case: CaseOut


class CasePage(Wire):
    """A page of cases."""

    pagination: Pagination
    items: list[CaseOut]


class Generate(WireInput):
    """For which agent to write cases, and of which kinds."""

    model_config = example(agent_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10", include_tests=["csat_score"])

    agent_id: str
    suite_id: str | None = None
    include_tests: list[SimulationTest] = Field(default_factory=lambda: list(SimulationTest))


# ---- suites and scenarios ------------------------------------------------------------------------------


class SuiteUpdate(WireInput):
    """What may be changed of a suite."""

    model_config = example(name="Weekends")

    name: Text | None = None
    model_id: str | None = None


class SuiteCreate(WireInput):
    """A new suite for one agent."""

    model_config = example(name="Evenings", model_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10", language="en-US")

    name: Text
    model_id: str
    language: Annotated[
        str, AfterValidator(_language), Field(json_schema_extra={"enum": [*vocabulary.LANGUAGES[1:], "en"]})
    ] = vocabulary.DEFAULT_LANGUAGE


class SuiteAgent(Wire):
    """The agent of a suite."""

    id: str
    name: str
    avatar: str | None


class CaseSummary(Wire):
    """A case in a list of suites."""

    simulation_case_id: str
    name: str


class SuiteBase(Wire):
    """What every view of a suite has."""

    id: str
    name: str
    model_id: str
    workspace_id: str
    language: str
    agent: SuiteAgent
    created_at: str
    updated_at: str


class SuiteOut(SuiteBase):
    """One suite with its cases."""

    cases: list[CaseOut]


class SuiteListItem(SuiteBase):
    """A suite in a list."""

    case_summaries: list[CaseSummary]


class Execution(Wire):
    """The runs that were begun for a suite."""

    session_id: str
    suite_id: str
    suite_name: str
    total_cases: int
    status: Literal["in-progress"]


class ExecutionAnswer(Execution):
    """The members bare, and again where other readers look for them; `status` is that of the runs."""

    response: Execution


class ScenarioUpdate(WireInput):
    """What may be changed of a scenario."""

    model_config = example(name="Storm")

    name: Text | None = None
    description: Text | None = None


class ScenarioCreate(WireInput):
    """What generated cases shall cover."""

    model_config = example(name="Rain", description="It rains, and the terrace is closed.")

    name: Text
    description: Text


class ScenarioOut(Wire):
    """One scenario."""

    id: str
    name: str
    description: str
    workspace_id: str
    created_at: str
    updated_at: str


# ---- runs and sessions ---------------------------------------------------------------------------------


class RunCreate(WireInput):
    """A run to begin; without a session it gets one of its own."""

    model_config = example(
        simulation_case_id="5f0c8a52-9a55-4b0e-8d3a-1f6b8a2c7e90",
        target_agent_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10",
    )

    simulation_case_id: str
    target_agent_id: str
    simulation_session_id: str | None = None
    custom_variables: Variables | None = None


class RunError(Wire):
    """Why a run failed."""

    message: str
    code: int
    type: str


class TimelineItem(Wire):
    """One thing that happened in a run."""

    sender_type: Literal["bot", "human", "system"]
    """`bot` is the agent, `human` the persona."""
    value: str
    type: Literal["message", "action", "event"]
    timestamp_datetime: str
    timestamp: str
    """Epoch seconds, as text."""


class Evaluation(Wire):
    """The verdict on one criterion."""

    success: bool
    reasoning: str


class Analysis(Wire):
    """The verdict on a run; `evaluations` in the order of the criteria."""

    success: bool
    evaluations: list[Evaluation]


class RunOut(Wire):
    """One run."""

    simulation_id: str
    simulation_session_id: str
    simulation_case_id: str
    simulation_case_name: str | None
    simulation_case_prompt: str | None
    success_criteria: list[str] | None
    call_success_type: CallSuccess | None
    persona_agent_id: str | None
    persona_phone_number: str | None
    target_agent_id: str
    agent_name: str | None
    agent_avatar_url: str | None
    target_phone_number: str | None
    target_call_id: str | None
    custom_variables: dict[str, Any] | None
    status: RunStatus
    workspace_id: str
    created_at: str
    updated_at: str
    error_info: RunError | None
    recording_url: str | None
    timeline: list[TimelineItem] | None
    success_criteria_analysis: Analysis | None


class RunPage(Wire):
    """A page of runs."""

    pagination: Pagination
    items: list[RunOut]


class SessionOut(Wire):
    """A group of runs, in the order they were begun."""

    simulation_session_id: str
    simulations: list[RunOut]
    total_simulations: int
    completed_simulations: int
    failed_simulations: int
    pending_simulations: int


class SessionPage(Wire):
    """A page of sessions."""

    pagination: Pagination
    items: list[SessionOut]
