"""Actions after a talk: whether their condition holds is asked of the model, their inputs come from what was said."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.platform.outbound.web import Web, response, web
from tests.resources.api import Api
from tests.resources.messages.account import OURS, THEIRS, account, connect
from trunkline.errors import ProviderError
from trunkline.resources.actions import around, offering, running
from trunkline.resources.actions.around import run_after
from trunkline.resources.actions.messages import MESSAGES
from trunkline.resources.actions.work import Means, PlannedAction
from trunkline.resources.talks import Talk
from trunkline.resources.vendors import Addresses
from trunkline.voice.conversation.profile import Medium
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel

CALL = str(UUID(int=7))


def action(server: Web, condition: str = "", **changes: Any) -> PlannedAction:
    settings = {"http_mode": "POST", "url": server.url(), "failure_timeout": 30, **changes}
    return PlannedAction(uuid4(), "CUSTOM_ACTION", "tell", "Tells.", settings, "after", condition)


def talk(api: Api, **changes: Any) -> Talk:
    told: dict[str, Any] = {
        "workspace_id": api.workspace.id,
        "agent_id": uuid4(),
        "id": CALL,
        "medium": Medium.CALL,
        "began": datetime.now(UTC),
        "other_party": "+15550199",
        "prompt": "",
        "transcript": "human: I am in Rome.",
        "model": "gpt-4.1",
    }
    return Talk(**(told | changes))


async def ran(api: Api, planned: PlannedAction, *answers: Said, **changes: Any) -> dict[str, dict[str, str]]:
    means = Means(api.database, api.platform.secrets, api.platform.outbound)
    return await run_after(means, ScriptedLanguageModel(*answers), talk(api, **changes), planned)


async def test_it_runs_when_the_condition_holds_and_not_otherwise(api: Api) -> None:
    async with web() as server:
        server.answer = response(200, b'{"ok": 1}')
        planned = action(server, "They live in Rome.")
        assert await ran(api, planned, {"reason": "No word of it.", "applies": False}) == {}
        assert server.asked == []
        entries = await ran(api, planned, {"reason": "They say so.", "applies": True})
        assert len(server.asked) == 1
    assert json.loads(entries["tell"]["return_value"]) == {"ok": 1}
    (log,) = (await api.send("GET", "/v2/logs"))["response"]["items"]
    assert log["status"] == "success"


async def test_what_a_repeated_run_sends_can_be_recognised(api: Api) -> None:
    async with web() as server:
        planned = action(server)
        for _ in range(2):
            await ran(api, planned)
        first, second = (each.headers["idempotency-key"] for each in server.asked)
    assert first == second == f"{CALL}:{planned.id}"


async def test_inputs_come_from_what_was_said(api: Api) -> None:
    city = {"name": "city", "type": "string", "description": "Where?", "example": ""}
    async with web() as server:
        planned = action(server, variables_during_the_call=[city])
        await ran(api, planned, {"city": "Rome"})
        (asked,) = server.asked
    assert json.loads(asked.body) == {"city": "Rome"}


async def test_a_run_of_the_same_name_keeps_the_earlier_entry(api: Api) -> None:
    async with web() as server:
        entries = await ran(api, action(server), executed_actions={"tell": {}})
    assert list(entries) == ["tell_2"]


async def test_a_text_message_after_the_call_goes_out_once_where_its_instructions_hold(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connect(api)
    text = {"content": "Hi {name}", "instructions": "They asked for it."}
    planned = PlannedAction(uuid4(), "SEND_SMS", "thanks", "", text, "after")
    parties = {"user_phone_number": THEIRS, "from_phone_number": THEIRS, "to_phone_number": OURS}
    told = {"variables": {**parties, "name": "Ann"}}
    async with account() as twilio:
        messages = replace(MESSAGES, addresses=Addresses(twilio=twilio.address))
        monkeypatch.setattr(offering, "WORK", {**offering.WORK, "SEND_SMS": messages})
        for module in (around, running):
            monkeypatch.setattr(module, "WORK", offering.WORK)
        assert await ran(api, planned, {"reason": "No.", "applies": False}, **told) == {}
        assert twilio.sent == []
        for _ in range(2):
            entries = await ran(api, planned, {"reason": "Yes.", "applies": True}, {"name": "Eve"}, **told)
        assert twilio.sent == [{"To": THEIRS, "From": OURS, "Body": "Hi Ann"}]
    assert entries["thanks"]["action_type"] == "send_sms_action_type"
    assert json.loads(entries["thanks"]["return_value"])["status"] == "sent"


async def test_a_model_that_cannot_say_leaves_it_undone(api: Api) -> None:
    async with web() as server:
        with pytest.raises(ProviderError):
            await ran(api, action(server, "They live in Rome."), Line(fail="gone"))
        assert server.asked == []
