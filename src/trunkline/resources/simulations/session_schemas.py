"""Sessions and runs under /trunkline/v1."""

from typing import Annotated, Any

from pydantic import Field

from trunkline.platform.http.wire import Json, Wire, WireInput, example
from trunkline.resources.calls.schemas import Variables
from trunkline.resources.simulations.budget import Budget
from trunkline.resources.simulations.details import RUN_SECONDS
from trunkline.resources.simulations.schemas import RunError, TimelineItem
from trunkline.resources.simulations.status import RunStatus
from trunkline.resources.simulations.suite_file import MOST_TURNS, Judge, Level, Tools

MOST_CASES = 200
MOST_RUNS = 10_000
"""Of a session."""


class Caps(WireInput):
    """What a session may use up. Null: no bound. Runs that are on when it is reached may pass it a little."""

    run_seconds: Annotated[int, Field(ge=1, le=3600)] = RUN_SECONDS
    """The longest that one run may take; then its process is killed, and it has failed."""
    tokens: Annotated[int, Field(ge=1)] | None = None
    """Read and written by language models; estimated by length where an endpoint does not count them."""
    cost: Annotated[float, Field(gt=0)] | None = None
    """In the currency of the two prices."""
    prompt_price: Annotated[float, Field(ge=0)] = 0.0
    """Of a million tokens read."""
    completion_price: Annotated[float, Field(ge=0)] = 0.0
    """Of a million tokens written."""

    @property
    def budget(self) -> Budget:
        """Of all runs together."""
        return Budget(
            tokens=self.tokens,
            cost=self.cost,
            prompt_price=self.prompt_price,
            completion_price=self.completion_price,
        )


class _Choices(WireInput):
    """What decides a session besides its cases and agent."""

    level: Level = Level.TEXT
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    """Runs of each case, each with a seed of its own."""
    pass_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The share of a case's runs that must pass for the case to pass."""
    tools: Tools = Tools.MOCKED
    """What comes of the agent's own actions that a case does not mock."""
    judge: Judge = Judge()
    caps: Caps = Caps()


class SessionCreate(_Choices):
    """Runs to begin: every case of a suite, or the cases that are named."""

    model_config = example(suite_id="5f0c8a52-9a55-4b0e-8d3a-1f6b8a2c7e90", repeats=5, seed=7)

    name: Annotated[str, Field(min_length=1)] | None = None
    """Null: the suite's."""
    suite_id: str | None = None
    simulation_case_ids: Annotated[list[str], Field(max_length=MOST_CASES)] = Field(default_factory=list)
    """In place of a suite, or some cases of it."""
    target_agent_id: str | None = None
    """Null: the suite's agent."""
    agent_version: str | None = None
    """Null: the one of now."""
    against_version: str | None = None
    """The same cases and seeds are run with this version too, and the difference is told."""
    seed: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    """Null: one is drawn, and told."""
    max_turns: Annotated[int, Field(ge=1, le=200)] = MOST_TURNS
    """Of each side; then the talk is cut off."""
    custom_variables: Variables | None = None


class SessionSettings(_Choices):
    """What a session was begun with, as its row keeps it."""

    name: str
    seed: int
    agent_version: int
    against_version: int | None = None


class RunCounts(Wire):
    """How far a session is."""

    total: int
    queued: int
    running: int
    completed: int
    failed: int


class Share(Wire):
    """A share, with the interval of 95 % confidence around it."""

    value: float
    low: float
    high: float


class PassHat(Share):
    """The probability that k runs of a case all pass."""

    k: int


class CaseShare(Share):
    """The runs of one case that passed."""

    simulation_case_id: str
    name: str
    passed: bool
    runs: int


class Difference(Wire):
    """From the other version to this one."""

    difference: float
    low: float
    high: float
    gained: int
    lost: int
    p_value: float


class PartOut(Wire):
    """Something that the agent can do or is told."""

    name: str
    runs: int
    """In which it was tried."""


class CoverageOut(Wire):
    """What the runs have tried of the agent, and what they have not."""

    actions: list[PartOut]
    """Its own, and those that the cases mock."""
    transfers: list[PartOut]
    """Targets that callers were passed to."""
    prompt_rules: list[PartOut]
    """Sentences of its prompt that a case says it is about (`covers`)."""
    end_reasons: list[PartOut]
    """Its own among them."""


class SessionResult(Wire):
    """What a session's runs add up to."""

    passed: bool
    pass_hat: list[PassHat]
    """pass^1, and pass^k for as many runs as every case has."""
    cases: list[CaseShare]
    coverage: CoverageOut | None
    """Null where the runs are of more than one version or agent, or were forgotten."""


class SessionDetails(Wire):
    """One session. `result` and what is under `against` are null until all runs are over."""

    simulation_session_id: str
    name: str
    status: Annotated[str, Field(json_schema_extra={"enum": ["in-progress", "completed", "cancelled"]})]
    target_agent_id: str
    agent_version: str | None
    against_version: str | None
    level: Level
    seed: int
    repeats: int
    pass_share: float
    tools: Tools
    judge: Judge
    caps: Caps
    runs: RunCounts
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    """By the prices of the caps; null without."""
    result: SessionResult | None
    against: SessionResult | None
    comparison: Difference | None
    created_at: str


class DemandOut(Wire):
    """The verdict on one thing that was demanded."""

    by: Annotated[str, Field(json_schema_extra={"enum": ["rule", "judge"]})]
    what: str
    outcome: Annotated[str, Field(json_schema_extra={"enum": ["pass", "fail", "cannot_tell"]})]
    reason: str
    evidence: list[str]


class RunDetails(Wire):
    """One run with everything that came of it."""

    simulation_id: str
    simulation_session_id: str
    simulation_case_id: str
    simulation_case_name: str
    target_agent_id: str
    agent_version: str | None
    level: Level
    number: int
    """Which repeat, from 1."""
    seed: int | None
    """Of this run; drawn from the session's."""
    status: RunStatus
    outcome: Annotated[str, Field(json_schema_extra={"enum": ["pass", "fail", "cannot_tell"]})] | None
    demands: list[DemandOut]
    timeline: list[TimelineItem] | None
    happened: dict[str, Json] | None
    """Turns with their times in ms where there is sound, calls, transfers, the end, variables, and the state of the
    mocked tools."""
    ledgers: list[dict[str, Any]]
    """Where the latency of each turn went, in ms; of runs with sound."""
    executed_actions: dict[str, dict[str, str]] | None
    """What was really run, of all tries, in the shape that calls have; null where nothing was."""
    tries: int
    prompt_tokens: int
    completion_tokens: int
    provider_calls: int
    """Questions that a language model was asked; 0 for a replay that met the same questions."""
    recording_url: str | None
    replays: str | None
    equal: bool | None
    """Of a replay: everything came out as in the run that it repeats."""
    error_info: RunError | None
