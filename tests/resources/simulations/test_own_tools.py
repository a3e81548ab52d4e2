"""What an agent in a file has of its own to call, in a simulation."""

from typing import Any

import pytest

from trunkline.resources.agents.schemas import AgentCreate
from trunkline.resources.simulations.mocks import MockedTools
from trunkline.resources.simulations.own_tools import mocked, offered
from trunkline.resources.simulations.suite_file import MockedAnswer, MockedTool
from trunkline.resources.simulations.trials import Subject

ACTIONS: list[Any] = [
    {
        "type": "CUSTOM_ACTION",
        "CUSTOM_ACTION": {
            "name": "book table",
            "description": "Books.",
            "url": "https://example.com",
            "variables_before_the_call": [{"key": "shop", "value": "4"}],
            "variables_during_the_call": [
                {"name": "guests", "description": "How many", "type": "int"},
                {"name": "shop", "description": "Which"},
            ],
        },
        "trigger_condition": "a table is wanted",
    },
    {
        "type": "LIVE_TRANSFER",
        "name": "manager",
        "LIVE_TRANSFER": {
            "transfer_mode": "cold_transfer",
            "phone": "+13125550120",
            "instructions": "For parties.",
            "initiating_msg": "One moment.",
        },
    },
    {"type": "SEND_SMS", "name": "thanks", "SEND_SMS": {"content": "Thanks!", "instructions": "Always."}},
    "5f0c8a52-9a55-4b0e-8d3a-1f6b8a2c7e90",
]


@pytest.fixture
def subject() -> Subject:
    body = {"type": "inbound", "name": "A", "agent": {"prompt": "Help."}, "actions": ACTIONS}
    return Subject.of(AgentCreate.model_validate(body))


def test_its_own_actions_are_offered_as_a_call_would(subject: Subject) -> None:
    booking, manager = offered(subject.tools, {})
    assert (booking.name, manager.name) == ("book_table", "manager")
    assert booking.description == "Books. Use it only in this case: a table is wanted"
    assert list(booking.parameters["properties"]) == ["guests"]
    assert manager.manner.start == "One moment."


def test_a_mock_says_only_what_it_says(subject: Subject) -> None:
    mocks = {
        "book_table": MockedTool(description="Reserves."),
        "look_up": MockedTool(parameters={"day": "A day"}),
    }
    booking, _, other = offered(subject.tools, mocks)
    assert booking.description == "Reserves."
    assert list(booking.parameters["properties"]) == ["guests"]
    assert other.name == "look_up"


async def test_what_nobody_mocked_fails_but_transfers_go_through(subject: Subject) -> None:
    mocks = MockedTools(mocked(subject.tools, {}), {})
    failed = await mocks.run("book_table", {"guests": 2})
    assert not failed.ok and "not mocked" in failed.text
    assert (await mocks.run("manager", {})).ok
    assert mocks.transfers == ["+13125550120"]
    answers = (MockedAnswer(result="Nobody there.", fails=True),)
    mocks = MockedTools(mocked(subject.tools, {"manager": MockedTool(answers=answers)}), {})
    assert not (await mocks.run("manager", {})).ok
    assert mocks.transfers == []
