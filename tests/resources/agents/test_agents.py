"""`/v2/assistants`, rule by rule."""

from typing import Any
from uuid import uuid4

import pytest
import yaml

from tests.resources.api import Api
from tests.resources.contract import contract


async def read(api: Api, agent: str, **query: Any) -> dict[str, Any]:
    body = await api.send("GET", f"/v2/assistants/{agent}", params=query)
    assert body["response"]["pagination"] == {"total_records": 1, "limit": 20, "offset": 0}
    (shown,) = body["response"]["assistants"]
    assert isinstance(shown, dict)
    return shown


async def test_create_answers_the_id_and_details(api: Api) -> None:
    await api.number()
    body = {
        "type": "inbound",
        "name": "Réception 受付",
        "phone_number": "+14155550100",
        "agent": {"prompt": "P", "voice_id": "v1"},
    }
    made = await api.send("POST", "/v2/assistants", json=body)
    assert made["status"] == "ok"
    assert made["details"] == {"phone": "+14155550100", "voice": "v1"}
    shown = await read(api, made["response"]["model_id"])
    assert shown["name"] == "Réception 受付"
    assert shown["phone_number"] == "+14155550100"
    assert shown["attached_phone_numbers"] == [{"number": "+14155550100", "sid": None, "slug": "14155550100"}]


async def test_defaults_of_a_read(api: Api) -> None:
    shown = await read(api, await api.agent())
    assert shown["phone_number"] == ""
    assert shown["actions"] == shown["input_variables"] == []
    assert shown["external_webhook_url"] == shown["inbound_call_webhook_url"] == ""
    assert shown["agent"]["language"] == "en-US"
    assert shown["agent"]["timezone"] == "Europe/Berlin"
    assert shown["agent"]["greeting_message_mode"] == "agent_static"
    assert shown["agent"]["voice_name"] == ""
    assert shown["created_at"]


@pytest.mark.parametrize("missing", ["type", "name", "agent"])
async def test_create_needs_three_members(api: Api, missing: str) -> None:
    body = {"type": "outbound", "name": "A", "agent": {}}
    del body[missing]
    text = await api.refused("POST", "/v2/assistants", json=body)
    assert f"{missing} is required" in text


async def test_update_is_partial_and_merges_three_objects(api: Api) -> None:
    agent = await api.agent(
        agent={
            "prompt": "P",
            "llm": "gpt-5.2",
            "greeting_message_mode": "human",
            "background_noise": {"enabled": True, "type": "cafe"},
        },
        max_duration={"duration_seconds": 60, "is_enabled": True},
        voicemail_message={"enabled": True, "mode": "prompt"},
        external_webhook_url="https://example.com/hook",
    )
    update = {
        "agent": {"prompt": "Q", "background_noise": {"volume": 3}},
        "max_duration": {"duration_seconds": 90},
        "voicemail_message": {"prompt": "Say bye"},
    }
    await api.send("PUT", f"/v2/assistants/{agent}", json=update)
    shown = await read(api, agent)
    assert shown["agent"]["prompt"] == "Q"
    assert shown["agent"]["llm"] == "gpt-5.2"
    assert shown["agent"]["background_noise"] == {"volume": 3}  # deeper values are replaced whole
    assert shown["max_duration"] == {"duration_seconds": 90, "is_enabled": True}
    assert shown["voicemail_message"] == {"enabled": True, "mode": "prompt", "prompt": "Say bye"}
    assert shown["external_webhook_url"] == "https://example.com/hook"
    assert shown["name"] == "A"


async def test_update_without_a_body(api: Api) -> None:
    agent = await api.agent()
    before = await read(api, agent)
    await api.send(
        "PUT", f"/v2/assistants/{agent}", headers={"Content-Type": "application/json"}, content=b""
    )
    assert await read(api, agent) == before


async def test_a_whole_read_can_be_sent_back(api: Api) -> None:
    await api.number()
    agent = await api.agent(
        phone_number="+14155550100",
        actions=[
            {"type": "SEND_SMS", "name": "sms", "SEND_SMS": {"content": "hi", "instructions": "At the end."}}
        ],
        agent={
            "prompt": "P",
            "llm": "gpt-5",
            "voice_speed": 1.1,
            "end_call_reasons_v2": [{"reason": "done"}],
        },
    )
    before = await read(api, agent, include_actions="true")
    await api.send("PUT", f"/v2/assistants/{agent}", json=before)
    assert await read(api, agent, include_actions="true") == before


# ---- vocabularies --------------------------------------------------------------------------------------


async def test_spanish_without_country_is_refused_and_told_the_way(api: Api) -> None:
    body = {"type": "outbound", "name": "A", "agent": {"language": "es"}}
    assert "es-ES" in await api.refused("POST", "/v2/assistants", json=body)


async def test_english_without_country_is_american(api: Api) -> None:
    shown = await read(api, await api.agent(agent={"language": "en"}))
    assert shown["agent"]["language"] == "en-US"


async def test_every_language_and_model_and_timezone_of_the_contract(api: Api) -> None:
    schemas = yaml.safe_load(contract.PATH.read_text())["components"]["schemas"]
    agent = await api.agent()
    for field, name, more in (
        ("language", "Language", ["he"]),
        ("llm", "LlmModel", ["gpt-4o", "gpt-5", "gpt-5-chat", "GPT-4.1-Mini", "My-Llama"]),
    ):
        for value in [*schemas[name]["enum"], *more]:
            await api.send("PUT", f"/v2/assistants/{agent}", json={"agent": {field: value}})
    from trunkline.resources.agents.vocabulary import timezone

    for value in [*schemas["Timezone"]["enum"], "UTC", "America/Coyhaique"]:
        assert timezone(value) == value


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("gpt-4.1-Mini", "gpt-4.1-mini"),
        ("GPT-5", "gpt-5"),
        ("gpt-5-chat", "gpt-5-chat"),
        ("MY-llama", "my-llama"),
    ],
)
async def test_models_are_stored_in_their_canonical_spelling(api: Api, sent: str, stored: str) -> None:
    assert (await read(api, await api.agent(agent={"llm": sent})))["agent"]["llm"] == stored


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"llm": "gpt-9"}, "agent.llm"),
        ({"language": "tlh"}, "agent.language"),
        ({"timezone": "Mars/Olympus"}, "agent.timezone"),
        ({"greeting_message_mode": "loud"}, "agent.greeting_message_mode"),
        ({"patience_level": "none"}, "agent.patience_level"),
        ({"min_words_to_interrupt": "6"}, "agent.min_words_to_interrupt"),
        ({"voice_speed": 1.3}, "agent.voice_speed"),
        ({"voice_stability": 1.1}, "agent.voice_stability"),
        ({"voice_similarity_boost": -0.1}, "agent.voice_similarity_boost"),
        ({"voice_style": 2}, "agent.voice_style"),
        ({"voice_optimise_streaming_latency": 5}, "agent.voice_optimise_streaming_latency"),
        ({"voice_synthesizer": "eleven_v9"}, "agent.voice_synthesizer"),
        ({"transcriber_provider": "ears"}, "agent.transcriber_provider"),
        ({"noise_cancellation": "much"}, "agent.noise_cancellation"),
        ({"background_noise": {"type": "sea"}}, "agent.background_noise.type"),
        ({"end_call_reasons_v2": [{}]}, "agent.end_call_reasons_v2.0.reason"),
        ({"global_audio_tags": "[calm]"}, "eleven_v3"),
        ({"prompt": 7}, "agent.prompt"),
        ("text", "agent"),
    ],
)
async def test_settings_out_of_bounds(api: Api, settings: Any, hint: str) -> None:
    body = {"type": "outbound", "name": "A", "agent": settings}
    assert hint in await api.refused("POST", "/v2/assistants", json=body)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("type", "robot"),
        ("name", ""),
        ("external_webhook_url", "ftp://x"),
        ("inbound_call_webhook_url", "nowhere"),
        ("max_duration", {"duration_seconds": 0}),
        ("voicemail_message", {"mode": "loud"}),
        ("phone_number", "+14155550999"),
        ("actions", ["no-such-action"]),
    ],
)
async def test_members_that_are_wrong(api: Api, member: str, value: Any) -> None:
    body = {"type": "outbound", "name": "A", "agent": {}, member: value}
    assert member in await api.refused("POST", "/v2/assistants", json=body)


async def test_numbers_as_texts_and_fractions_are_taken(api: Api) -> None:
    agent = await api.agent(agent={"min_words_to_interrupt": 2, "voice_stability": 0.5, "voice_speed": "1.1"})
    settings = (await read(api, agent))["agent"]
    assert settings["min_words_to_interrupt"] == "2"
    assert (settings["voice_stability"], settings["voice_speed"]) == (0.5, 1.1)


async def test_voicemail_needs_the_human_to_speak_first(api: Api) -> None:
    voicemail = {"voicemail_message": {"enabled": True, "mode": "prompt"}}
    body = {"type": "outbound", "name": "A", "agent": {}, **voicemail}
    assert "greeting_message_mode" in await api.refused("POST", "/v2/assistants", json=body)
    agent = await api.agent(agent={"greeting_message_mode": "human"}, **voicemail)
    leaving = {"agent": {"greeting_message_mode": "agent_static"}}
    await api.refused("PUT", f"/v2/assistants/{agent}", json=leaving)
    assert (await read(api, agent))["agent"]["greeting_message_mode"] == "human"
    await api.send(
        "PUT", f"/v2/assistants/{agent}", json={**leaving, "voicemail_message": {"enabled": False}}
    )


async def test_settings_of_older_programs_are_lifted(api: Api) -> None:
    await api.number()
    body = {
        "type": "outbound",
        "name": "A",
        "prompt": "top",
        "llm": "gpt-4o",
        "consent_recording": True,
        "caller_id_number": "+14155550100",
        "is_transcript_disabled": True,
        "greeting_message": "top greeting",
        "agent": {"prompt": "inner", "consent_text": "May I record?"},
    }
    made = await api.send("POST", "/v2/assistants", json=body)
    shown = await read(api, made["response"]["model_id"])
    assert shown["phone_number"] == "+14155550100"
    assert shown["agent"]["prompt"] == "inner"
    assert shown["agent"]["llm"] == "gpt-4o"
    assert shown["agent"]["greeting_message"] == "top greeting"
    assert shown["agent"]["is_consent_enabled"] is True
    assert shown["agent"]["consent_message"] == "May I record?"
    assert shown["agent"]["is_transcript_disabled"] is True


async def test_unknown_members_are_ignored(api: Api) -> None:
    agent = await api.agent(greeting="x", end_call_reasons=["bye"], agent={"name": "n", "prompt": "P"})
    shown = await read(api, agent)
    assert "greeting" not in shown and "name" not in shown["agent"]
    assert shown["end_call_reasons"] == []


async def test_webhooks_persist_and_can_be_cleared(api: Api) -> None:
    agent = await api.agent(inbound_call_webhook_url="http://example.com/in")
    await api.send("PUT", f"/v2/assistants/{agent}", json={"external_webhook_url": "https://example.com/out"})
    shown = await read(api, agent)
    assert shown["external_webhook_url"] == "https://example.com/out"
    assert shown["inbound_call_webhook_url"] == "http://example.com/in"
    await api.send("PUT", f"/v2/assistants/{agent}", json={"external_webhook_url": ""})
    assert (await read(api, agent))["external_webhook_url"] == ""


async def test_inline_actions_replace_the_list(api: Api) -> None:
    sms = {"type": "SEND_SMS", "name": "sms", "SEND_SMS": {"content": "hi", "instructions": "At the end."}}
    agent = await api.agent(actions=[sms, sms])
    assert (await read(api, agent))["actions"] == []
    first, second = (await read(api, agent, include_actions="true"))["actions"]
    await api.send("PUT", f"/v2/assistants/{agent}", json={"actions": [second, sms]})
    kept, new = (await read(api, agent, include_actions="true"))["actions"]
    assert kept == second and new not in (first, second)
    await api.send("PUT", f"/v2/assistants/{agent}", json={"actions": []})
    assert (await read(api, agent, include_actions="true"))["actions"] == []


# ---- lists, deletion, strangers ------------------------------------------------------------------------


async def test_list_is_paged_newest_first(api: Api) -> None:
    agents = [await api.agent(name=f"A{n}") for n in range(3)]
    body = await api.send("GET", "/v2/assistants/", params={"limit": 2})
    assert body["response"]["pagination"] == {"total_records": 3, "limit": 2, "offset": 0}
    assert [a["model_id"] for a in body["response"]["assistants"]] == [agents[2], agents[1]]
    assert body["response"]["assistants"][0]["actions"] == []
    body = await api.send("GET", "/v2/assistants", params={"offset": 2})
    assert [a["model_id"] for a in body["response"]["assistants"]] == [agents[0]]


async def test_a_deleted_agent_is_unknown_and_frees_its_numbers(api: Api) -> None:
    await api.number()
    agent = await api.agent(type="inbound", phone_number="+14155550100")
    body = await api.send("DELETE", f"/v2/assistants/{agent}")
    assert body["status"] == "ok" and body["response"]["answer"]
    await api.refused("GET", f"/v2/assistants/{agent}", 404)
    await api.refused("DELETE", f"/v2/assistants/{agent}", 404)
    assert (await api.send("GET", "/v2/assistants"))["response"]["pagination"]["total_records"] == 0
    assert (await api.send("GET", "/v2/numbers/14155550100"))["is_available"] is True


async def test_another_workspaces_agent_answers_like_an_unknown_one(api: Api, stranger: Api) -> None:
    await api.number()
    foreign, unknown = await api.agent(), str(uuid4())
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "", {}),
        ("PUT", "", {"json": {"name": "mine"}}),
        ("DELETE", "", {}),
        ("PUT", "/phone_numbers", {"json": {"phone_numbers": ["+14155550100"]}}),
        ("DELETE", "/phone_numbers/14155550100", {}),
    ]
    for method, rest, arguments in requests:
        texts = [
            (await stranger.refused(method, f"/v2/assistants/{agent}{rest}", 404, **arguments)).replace(
                agent, ""
            )
            for agent in (foreign, unknown, "1761150177868x123456789012345678")
        ]
        assert texts[0] == texts[1]
    assert (await read(api, foreign))["name"] == "A"
    assert (await stranger.send("GET", "/v2/assistants"))["response"]["assistants"] == []


async def test_patch_is_no_way_to_update(api: Api) -> None:
    await api.refused("PATCH", f"/v2/assistants/{await api.agent()}", 405, json={})


# ---- numbers on agents ---------------------------------------------------------------------------------


async def test_attach_and_detach(api: Api) -> None:
    for number in ("+14155550100", "+14155550101", "+14155550102"):
        await api.number(number)
    agent = await api.agent()
    path = f"/v2/assistants/{agent}/phone_numbers"
    assert await api.send("PUT", path, json={"phone_numbers": ["+14155550101"]}) == {"status": "ok"}
    await api.send("PUT", path, json={"phone_number_slugs": ["14155550100", "14155550102"]})
    shown = await read(api, agent)
    assert shown["phone_number"] == "+14155550101"
    assert [n["number"] for n in shown["attached_phone_numbers"]] == [
        "+14155550101",
        "+14155550100",
        "+14155550102",
    ]
    assert await api.send("DELETE", f"{path}/14155550101") == {"status": "ok"}
    shown = await read(api, agent)
    assert shown["phone_number"] == "+14155550100"
    assert "not attached" in await api.refused("DELETE", f"{path}/%2B14155550101")


@pytest.mark.parametrize(
    "body", [{}, {"phone_numbers": ["+14155550100"], "phone_number_slugs": ["14155550100"]}]
)
async def test_attach_takes_exactly_one_form(api: Api, body: dict[str, Any]) -> None:
    agent = await api.agent()
    assert "exactly one" in await api.refused("PUT", f"/v2/assistants/{agent}/phone_numbers", json=body)


async def test_attach_is_all_or_nothing(api: Api) -> None:
    await api.number()
    agent = await api.agent()
    path = f"/v2/assistants/{agent}/phone_numbers"
    await api.refused("PUT", path, 404, json={"phone_numbers": ["+14155550100", "+14155550999"]})
    assert (await read(api, agent))["attached_phone_numbers"] == []


async def test_a_number_serves_one_inbound_agent_and_many_outbound(api: Api) -> None:
    await api.number()
    inbound = [await api.agent(type="inbound") for _ in range(2)]
    outbound = [await api.agent() for _ in range(2)]
    body = {"phone_numbers": ["+14155550100"]}
    for agent in (inbound[0], *outbound):
        await api.send("PUT", f"/v2/assistants/{agent}/phone_numbers", json=body)
    text = await api.refused("PUT", f"/v2/assistants/{inbound[1]}/phone_numbers", json=body)
    assert inbound[0] in text
    number = await api.send("GET", "/v2/numbers/14155550100")
    assert set(number["assistants"]) == {inbound[0], *outbound}


async def test_a_new_type_takes_the_numbers_along(api: Api) -> None:
    await api.number()
    agent = await api.agent(phone_number="+14155550100")
    assert (await api.send("GET", "/v2/numbers/14155550100"))["is_available"] is True
    await api.send("PUT", f"/v2/assistants/{agent}", json={"type": "inbound"})
    assert (await api.send("GET", "/v2/numbers/14155550100"))["is_available"] is False
    assert (await read(api, agent))["phone_number"] == "+14155550100"
