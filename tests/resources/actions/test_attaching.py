"""Actions of agents: attached, detached, inline with replace semantics, and shown."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.resources.actions.bodies import BODIES, CALCOM, CUSTOM, SMS, TRANSFER
from tests.resources.api import Api
from tests.resources.contract import contract
from trunkline.resources.actions.repository import ActionRepository

ASKED = {
    "variables_during_the_call": [
        {"name": "city", "description": "Which city?", "example": "Rome"},
        {"name": "nights", "type": "int"},
        {"name": "plan", "type": "bool"},
    ]
}


async def create(api: Api, type_: str = "CUSTOM_ACTION", body: dict[str, Any] | None = None) -> str:
    made = await api.send("POST", "/v2/actions", json={type_: body or BODIES[type_]})
    return str(made["response"]["action_id"])


async def agent_of(api: Api, agent: str) -> dict[str, Any]:
    answer = await api.send("GET", f"/v2/assistants/{agent}?include_actions=true")
    assert contract.faults(answer, contract.answer_schema("GET", "/assistants/{model_id}", 200)) == []
    return dict(answer["response"]["assistants"][0])


async def actions_of(api: Api, agent: str) -> list[str]:
    return list((await agent_of(api, agent))["actions"])


async def attach(api: Api, agent: str, **item: Any) -> None:
    await api.send("POST", "/v2/actions/attach", json={"model_id": agent, "items": [item]})


async def mapping(api: Api, action: str) -> dict[str, Any]:
    answer = await api.send("GET", f"/v2/actions/{action}?include_assistants=true")
    assert contract.faults(answer, contract.answer_schema("GET", "/actions/{action_id}", 200)) == []
    (shown,) = answer["response"]["actions"]
    (mapped,) = shown["input_variables"]["assistants"]
    assert shown["assistants"] == [mapped["model_id"]]
    return dict(mapped)


async def test_actions_are_attached_by_id_in_their_order(api: Api) -> None:
    agent = await api.agent()
    first, second = await create(api), await create(api, "SEND_SMS")
    answer = await api.send(
        "POST", "/v2/actions/attach", json={"model_id": agent, "actions": [second, first]}
    )
    assert answer == {"status": "ok", "response": {}}
    assert await actions_of(api, agent) == [second, first]
    await api.send("POST", "/v2/actions/attach", json={"model_id": agent, "actions": [first]})
    assert await actions_of(api, agent) == [second, first]
    listed = (await api.send("GET", "/v2/assistants"))["response"]["assistants"]
    assert listed[0]["actions"] == [second, first]


async def test_actions_are_attached_with_settings(api: Api) -> None:
    agent, action = await api.agent(), await create(api, body={**CUSTOM, **ASKED})
    told = {
        "variable_name": "city",
        "source": "llm",
        "llm_config": {"description": "Where?", "required": True},
    }
    fixed = {"variable_name": "nights", "source": "hardcoded", "hardcoded_value": "2"}
    await attach(
        api,
        agent,
        action_id=action,
        attachment_type="before",
        trigger_condition="When asked.",
        input_variables_mapping=[told, fixed],
    )
    assert await mapping(api, action) == {
        "model_id": agent,
        "attachment_type": "before",
        "input_variables_mapping": [told, fixed],
    }
    (inputs,) = (await agent_of(api, agent))["input_variables"]
    assert inputs == {
        "action_id": action,
        "trigger_condition": "When asked.",
        "values": [
            {
                "name": "city",
                "type": "string",
                "description": "Where?",
                "example": "Rome",
                "required": True,
            },
            {"name": "plan", "type": "boolean", "description": "", "example": "", "required": None},
        ],
    }


async def test_a_condition_stays_unless_it_is_sent(api: Api) -> None:
    agent, action = await api.agent(), await create(api)

    async def condition() -> str | None:
        (inputs,) = (await agent_of(api, agent))["input_variables"]
        return str(inputs["trigger_condition"]) if inputs["trigger_condition"] is not None else None

    await attach(api, agent, action_id=action, trigger_condition="When asked.", attachment_type="after")
    await attach(api, agent, action_id=action, trigger_condition=None, attachment_type=None)
    assert await condition() == "When asked."
    assert (await mapping(api, action))["attachment_type"] == "during"
    await attach(api, agent, action_id=action)
    assert await condition() == "When asked."
    await attach(api, agent, action_id=action, trigger_condition="")
    assert await condition() is None


async def test_only_custom_actions_have_a_condition(api: Api) -> None:
    agent, action = await api.agent(), await create(api, "SEND_SMS")
    item = {"action_id": action, "trigger_condition": "When asked."}
    text = await api.refused("POST", "/v2/actions/attach", json={"model_id": agent, "items": [item]})
    assert "trigger_condition" in text
    assert await actions_of(api, agent) == []
    await attach(api, agent, action_id=action, trigger_condition="")


async def test_a_slug_is_a_name(api: Api) -> None:
    agent, action = await api.agent(), await create(api)
    await attach(api, agent, slug="look_up")
    assert await actions_of(api, agent) == [action]
    body: dict[str, Any] = {"model_id": agent, "items": [{"slug": "nothing"}]}
    assert "no actions have the name nothing" in await api.refused("POST", "/v2/actions/attach", json=body)
    await create(api)
    body["items"] = [{"slug": "look_up"}]
    assert "2 actions have the name" in await api.refused("POST", "/v2/actions/attach", json=body)


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ({}, "exactly one of actions and items"),
        ({"actions": [], "items": []}, "exactly one of actions and items"),
        ({"items": [{}]}, "exactly one of action_id and slug"),
        ({"items": [{"action_id": "a", "slug": "b"}]}, "exactly one of action_id and slug"),
        ({"items": [{"action_id": "a", "attachment_type": "never"}]}, "attachment_type"),
        (
            {"items": [{"action_id": "a", "input_variables_mapping": [{"variable_name": "b"}]}]},
            "source is required",
        ),
        ({"actions": ["x"] * 201}, "at most 200"),
        ({"actions": ["x"]}, "there is no action x"),
        ({"actions": [str(uuid4())]}, "there is no action"),
    ],
)
async def test_what_cannot_be_attached(api: Api, body: dict[str, Any], hint: str) -> None:
    agent = await api.agent()
    assert hint in await api.refused("POST", "/v2/actions/attach", json={"model_id": agent, **body})


async def test_agents_and_actions_of_others_are_unknown(api: Api, stranger: Api) -> None:
    agent, action = await api.agent(), await create(api)
    other_agent, other_action = await stranger.agent(), await create(stranger)
    for path in ("/v2/actions/attach", "/v2/actions/detach"):
        for id_ in (other_agent, str(uuid4()), "x"):
            body: dict[str, Any] = {"model_id": id_, "actions": [action]}
            text = await api.refused("POST", path, json=body)
            assert text == f"model_id: there is no agent {id_}; see GET /v2/assistants."
        body = {"model_id": agent, "actions": [other_action]}
        text = await api.refused("POST", path, json=body)
        assert text == f"actions: there is no action {other_action}; see GET /v2/actions."
    assert "model_id is required" in await api.refused("POST", "/v2/actions/attach", json={"actions": []})


async def test_detaching(api: Api) -> None:
    action, other = await create(api), await create(api, "SEND_SMS")
    agent = await api.agent(actions=[action, other])
    answer = await api.send(
        "POST", "/v2/actions/detach", json={"model_id": agent, "actions": [action, action]}
    )
    assert answer == {"status": "ok", "response": {}}
    assert await actions_of(api, agent) == [other]
    await api.send("POST", "/v2/actions/detach", json={"model_id": agent, "actions": [action]})
    await api.send("POST", "/v2/actions/detach", json={"model_id": agent})
    assert await actions_of(api, agent) == [other]
    await api.send("GET", f"/v2/actions/{action}")


# ---- inline --------------------------------------------------------------------------------------------


async def test_inline_actions_are_actions(api: Api) -> None:
    agent = await api.agent(
        actions=[
            {"type": "CUSTOM_ACTION", "name": "look_up", "CUSTOM_ACTION": {"url": "https://example.com"}},
            {
                "type": "REAL_TIME_BOOKING",
                "name": "book",
                "REAL_TIME_BOOKING": {"first_appt_date": "2026-12-01", "CALCOM": CALCOM},
            },
            {"type": "LIVE_TRANSFER", "name": "to_sales", "LIVE_TRANSFER": TRANSFER},
        ]
    )
    ids = await actions_of(api, agent)
    listed = (await api.send("GET", "/v2/actions"))["response"]["actions"]
    shown = {each["action_id"]: each for each in listed}
    assert [shown[id_]["name"] for id_ in ids] == ["look_up", "book", "to_sales"]
    custom, booking, _ = (shown[id_]["parameters_hard_coded"] for id_ in ids)
    assert custom["http_mode"] == "GET"
    assert custom["run_action_before_call_start"] is False
    assert booking["timezone"] == "Europe/Berlin"


async def test_a_write_replaces_the_list(api: Api) -> None:
    sms = {"type": "SEND_SMS", "name": "sms", "SEND_SMS": SMS}
    own = await create(api)
    agent = await api.agent(actions=[sms, own])
    inline, _ = await actions_of(api, agent)
    await attach(api, agent, action_id=own, trigger_condition="When asked.")
    await api.send("PUT", f"/v2/assistants/{agent}", json={"actions": [own, sms]})
    kept, new = await actions_of(api, agent)
    assert kept == own
    assert new != inline
    assert (await agent_of(api, agent))["input_variables"][0]["trigger_condition"] == "When asked."
    await api.refused("GET", f"/v2/actions/{inline}", 404)
    await api.send("PUT", f"/v2/assistants/{agent}", json={"name": "B"})
    assert await actions_of(api, agent) == [own, new]
    await api.send("PUT", f"/v2/assistants/{agent}", json={"actions": []})
    assert await actions_of(api, agent) == []
    await api.send("GET", f"/v2/actions/{own}")
    await api.refused("GET", f"/v2/actions/{new}", 404)


async def test_an_inline_action_that_another_agent_has_stays(api: Api) -> None:
    agent = await api.agent(actions=[{"type": "SEND_SMS", "name": "sms", "SEND_SMS": SMS}])
    (action,) = await actions_of(api, agent)
    other = await api.agent(actions=[action])
    await api.send("PUT", f"/v2/assistants/{agent}", json={"actions": []})
    assert await actions_of(api, other) == [action]
    await api.send("DELETE", f"/v2/assistants/{other}")
    await api.refused("GET", f"/v2/actions/{action}", 404)


@pytest.mark.parametrize(
    ("item", "hint"),
    [
        ({"type": "IVR", "IVR": {}}, "IVR"),
        ({"name": "a", "SEND_SMS": SMS}, "type is required"),
        ({"type": "SEND_SMS", "SEND_SMS": {"content": "a"}}, "instructions is required"),
        ({"type": "SEND_SMS", "CUSTOM_ACTION": CUSTOM}, "exactly one of"),
        ({"type": "CUSTOM_ACTION", "CUSTOM_ACTION": {"url": "https://example.com"}}, "name is required"),
        ("no-such-action", "there is no action no-such-action"),
        (7, "actions.0"),
    ],
)
async def test_inline_actions_are_checked(api: Api, item: Any, hint: str) -> None:
    agent = await api.agent()
    path = f"/v2/assistants/{agent}"
    assert hint in await api.refused("PUT", path, json={"actions": [item], "name": "B"})
    assert (await agent_of(api, agent))["name"] == "A"


async def test_a_subaccount_without_actions_writes_none_inline(api: Api) -> None:
    key = (
        await api.send("POST", "/trunkline/v1/keys", json={"name": "k", "scopes": ["assistants", "outbound"]})
    )["key"]
    headers = {"Authorization": f"Bearer {key}"}
    body = {"type": "outbound", "name": "A", "agent": {}, "actions": []}
    assert "actions" in await api.refused("POST", "/v2/assistants", 403, json=body, headers=headers)
    del body["actions"]
    await api.send("POST", "/v2/assistants", json=body, headers=headers)


# ---- for other nouns -----------------------------------------------------------------------------------


async def test_agents_are_found_by_phone_book(api: Api) -> None:
    book = (await api.send("POST", "/v2/phonebooks", json={"name": "Desk"}))["response"]["key"]
    other = (await api.send("POST", "/v2/phonebooks", json={"name": "None"}))["response"]["key"]
    transfer = {name: value for name, value in TRANSFER.items() if name != "phone"} | {"phone_book_id": book}
    action = await create(api, "LIVE_TRANSFER", transfer)
    agent = await api.agent(actions=[action, await create(api, "LIVE_TRANSFER", transfer)])
    async with api.database.workspace(api.workspace.id) as session:
        stored = ActionRepository(session, api.workspace.id)
        found = await stored.agents_of_phone_books([UUID(book), UUID(other)])
        assert {book: list(agents) for book, agents in found.items()} == {UUID(book): [UUID(agent)]}
        of_agent = await stored.of_agent(UUID(agent))
    assert str(of_agent[0][0].id) == action
