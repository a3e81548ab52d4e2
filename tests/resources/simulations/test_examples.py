"""The agents in `examples/`: the API takes them, and their suites pass on the scripted model, or fail where they teach."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.resources.api import Api
from trunkline.resources.agents.schemas import AgentCreate
from trunkline.resources.simulations import trials
from trunkline.resources.simulations.suite_file import read_suite
from trunkline.resources.simulations.trials import Subject, Trial
from trunkline.resources.simulations.verdicts import Outcome
from trunkline.roles.simulate.mind import scripted

EXAMPLES = Path(__file__).parents[3] / "examples"
AGENTS = ("receptionist", "booking", "payment-reminder", "restaurant", "support-desk")


async def ran(agent: str, script: str) -> list[Trial]:
    suite = read_suite(EXAMPLES / agent / "suite.yaml")
    assert isinstance(suite.agent, AgentCreate)
    model = scripted(EXAMPLES / agent / script)
    found = trials.run(suite, Subject.of(suite.agent), trials.in_text(model), model, suite.file.seed)
    return [each async for each in found]


def missed(found: list[Trial]) -> dict[str, list[str]]:
    """Case → what was demanded in vain."""
    return {
        each.case: [each.error]
        + [
            f"{demand.what}: {demand.verdict}"
            for demand in each.demands
            if demand.verdict.outcome is not Outcome.PASS
        ]
        for each in found
        if each.outcome is not Outcome.PASS
    }


@pytest.mark.parametrize("agent", AGENTS)
async def test_a_suite_passes_on_its_script(agent: str) -> None:
    found = await ran(agent, "script.json")
    assert missed(found) == {}
    assert 4 <= len(found) <= 6


@pytest.mark.parametrize(
    ("agent", "script", "case", "told"),
    [
        ("receptionist", "forgetful.json", "Leaves a message", "call_back was never called"),
        ("booking", "eager.json", "Books the time that was chosen", "This came before"),
        ("payment-reminder", "talkative.json", "Somebody else answers", "The agent said it."),
    ],
)
async def test_a_script_with_a_fault_fails_where_it_has_it(
    agent: str, script: str, case: str, told: str
) -> None:
    found = missed(await ran(agent, script))
    assert told in "\n".join(found[case])


@pytest.mark.parametrize("agent", AGENTS)
async def test_the_api_takes_each_agent_with_its_actions(agent: str, api: Api) -> None:
    body: dict[str, Any] = yaml.safe_load((EXAMPLES / agent / "agent.yaml").read_text())
    made = await api.send("POST", "/v2/assistants", json=read_plainly(body))
    shown = await api.send("GET", f"/v2/assistants/{made['response']['model_id']}?include_actions=true")
    [stored] = shown["response"]["assistants"]
    assert len(stored["actions"]) == len(body["actions"])


def read_plainly(value: Any) -> Any:
    """Dates as text, as the reader of suites has them."""
    if isinstance(value, dict):
        return {name: read_plainly(each) for name, each in value.items()}
    if isinstance(value, list):
        return [read_plainly(each) for each in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
