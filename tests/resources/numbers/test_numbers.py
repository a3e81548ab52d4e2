"""`/v2/numbers` and `/v2/custom-numbers`, rule by rule."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from tests.resources.api import BOX, Api
from tests.resources.contract import contract
from trunkline.resources.numbers.models import Number
from trunkline.resources.numbers.service import PASSWORD_FIELD
from trunkline.resources.numbers.trunk import trunk

NUMBER = "+14155550100"
SLUG = "/v2/numbers/14155550100"


def custom(api: Api, **changes: Any) -> dict[str, Any]:
    body = {
        "workspace_id": str(api.workspace.id),
        "phone_number": NUMBER,
        "termination_uri": "sip.example.com",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


async def test_create_and_read(api: Api) -> None:
    made = await api.send("POST", "/v2/custom-numbers", json=custom(api, friendly_name="Desk"))
    assert made["status"] == "ok"
    assert made["response"]["phone_number"] == NUMBER
    number = await api.send("GET", SLUG)
    assert number["slug"] == "14155550100"
    assert number["phone_number"] == NUMBER
    assert number["friendly_name"] == "Desk"
    assert number["provider_name"] == "custom"
    assert number["sip_term_uri"] == "sip.example.com"
    assert number["sid"] == ""
    assert number["is_available"] is True
    assert number["assistants"] == []
    assert number["workspace_id"] == str(api.workspace.id)
    assert await api.send("GET", "/v2/numbers/%2B14155550100/") == number


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"phone_number": None}, "phone_number is required"),
        ({"workspace_id": None}, "workspace_id is required"),
        ({"phone_number": "14155550100"}, "E.164"),
        ({"phone_number": "+0155550100"}, "E.164"),
        ({"phone_number": "reception"}, "E.164"),
        ({"termination_uri": None}, "termination_uri is required"),
        ({"termination_uri": "not a host"}, "termination_uri"),
        ({"termination_uri": "a.example\r\nVia: x"}, "termination_uri"),
        ({"provider_name": "twilio", "termination_uri": None}, "termination_uri"),
        ({"provider_name": "carrier-pigeon"}, "provider_name"),
        ({"uac_enabled": True}, "trunk_username and trunk_pwd"),
        ({"uac_enabled": True, "trunk_username": "u"}, "trunk_username and trunk_pwd"),
        ({"uac_register_expires": 59}, "uac_register_expires"),
        ({"uac_register_expires": 3601}, "uac_register_expires"),
        ({"trunk_username": "a\r\nb"}, "trunk_username"),
        ({"agent_id": "nobody"}, "agent_id"),
    ],
)
async def test_what_is_refused(api: Api, changes: dict[str, Any], hint: str) -> None:
    assert hint in await api.refused("POST", "/v2/custom-numbers", json=custom(api, **changes))


@pytest.mark.parametrize(
    ("provider", "host"), [("ringcx", "sip.ringcentral.com"), ("zoom", "sip.zoom.com"), ("five9", "")]
)
async def test_providers_whose_trunk_is_known(api: Api, provider: str, host: str) -> None:
    body = custom(api, provider_name=provider, termination_uri=None, phone_number="ext-100")
    await api.send("POST", "/v2/custom-numbers", json=body)
    assert (await api.send("GET", "/v2/numbers/ext-100"))["sip_term_uri"] == host


@pytest.mark.parametrize("foreign", ["00000000-0000-4000-8000-000000000000", "x", "stranger"])
async def test_another_workspace_is_forbidden(api: Api, stranger: Api, foreign: str) -> None:
    named = str(stranger.workspace.id) if foreign == "stranger" else foreign
    await api.refused("POST", "/v2/custom-numbers", 403, json=custom(api, workspace_id=named))


async def test_a_number_exists_once_in_the_installation(api: Api, stranger: Api) -> None:
    await api.number()
    texts = [
        await asked.refused("POST", "/v2/custom-numbers", json=custom(asked)) for asked in (api, stranger)
    ]
    assert texts[0] == texts[1]


async def test_passwords_are_sealed_and_never_shown(api: Api) -> None:
    body = custom(
        api, uac_enabled=True, trunk_username="me", trunk_pwd="hunter2-secret", sip_auth_username="a"
    )
    await api.send("POST", "/v2/custom-numbers", json=body)
    shown = await api.send("GET", SLUG)
    assert "hunter2-secret" not in str(shown)
    assert shown["uac_enabled"] is True
    assert shown["uac_register_expires"] == 300
    assert shown["sip_auth_username"] == "a"
    async with api.database.workspace(api.workspace.id) as session:
        sealed = (await session.execute(select(Number.trunk_password_encrypted))).scalar_one()
    assert sealed is not None and b"hunter2" not in sealed
    assert BOX.open(api.workspace.id, PASSWORD_FIELD, sealed) == "hunter2-secret"


async def test_list_pages_and_availability(api: Api) -> None:
    for number in (NUMBER, "+14155550101", "+14155550102"):
        await api.number(number)
    await api.agent(type="inbound", phone_number=NUMBER)
    body = (await api.send("GET", "/v2/numbers", params={"workspace": "", "limit": 2}))["response"]
    assert body["pagination"] == {"total_records": 3, "limit": 2, "offset": 0}
    assert body["phone_numbers"][0] == {"number": "+14155550102", "sid": None, "is_available": True}
    taken = (await api.send("GET", "/v2/phone_numbers", params={"is_available": "false"}))["response"]
    assert [n["number"] for n in taken["phone_numbers"]] == [NUMBER]
    free = (await api.send("GET", "/v2/numbers?is_available=true&workspace=anything"))["response"]
    assert free["pagination"]["total_records"] == 2


async def test_update_is_partial_and_checks_the_outcome(api: Api) -> None:
    await api.number(trunk_username="me", trunk_pwd="secret")
    assert await api.send("PATCH", SLUG, json={"friendly_name": "Desk"}) == {"status": "ok"}
    await api.send("PATCH", SLUG, json={"uac_enabled": True, "uac_register_expires": 60})
    await api.send("PATCH", SLUG, json={"sip_term_uri": "10.0.0.1:5080;transport=tcp"})
    shown = await api.send("GET", SLUG)
    assert (shown["friendly_name"], shown["uac_enabled"]) == ("Desk", True)
    assert shown["sip_term_uri"] == "10.0.0.1:5080;transport=tcp"
    for name in ("sip_term_uri", "termination_uri", "sip_domain"):
        assert "termination_uri" in await api.refused("PATCH", SLUG, json={name: None})
    await api.refused("PATCH", SLUG, json={"sip_term_uri": ""})
    await api.refused("PATCH", SLUG, json={"trunk_pwd": "a\nb"})
    assert (await api.send("GET", SLUG)) == shown
    await api.send("PATCH", SLUG, headers={"Content-Type": "application/json"})


async def test_patch_binds_an_agent(api: Api) -> None:
    await api.number()
    first, second = await api.agent(type="inbound"), await api.agent(type="inbound")
    await api.send("PATCH", SLUG, json={"agent_id": first})
    await api.send("PATCH", SLUG, json={"agent_id": second})
    assert (await api.send("GET", SLUG))["assistants"] == [second]
    agents = (await api.send("GET", "/v2/assistants"))["response"]["assistants"]
    assert {a["model_id"]: a["phone_number"] for a in agents} == {first: "", second: NUMBER}
    assert "agent_id" in await api.refused("PATCH", SLUG, json={"agent_id": str(uuid4())})


async def test_delete_takes_the_number_from_its_agents(api: Api) -> None:
    await api.number()
    await api.number("+14155550101")
    agent = await api.agent(phone_number=NUMBER)
    await api.send("PATCH", "/v2/numbers/14155550101", json={"agent_id": agent})
    assert await api.send("DELETE", SLUG) == {"status": "ok"}
    await api.refused("GET", SLUG, 404)
    shown = (await api.send("GET", f"/v2/assistants/{agent}"))["response"]["assistants"][0]
    assert shown["phone_number"] == "+14155550101"


async def test_a_foreign_number_answers_like_an_unknown_one(api: Api, stranger: Api) -> None:
    await api.number()
    for method in ("GET", "PATCH", "DELETE"):
        foreign = await stranger.refused(method, SLUG, 404)
        unknown = await stranger.refused(method, "/v2/numbers/14155550999", 404)
        assert foreign.replace("0100", "") == unknown.replace("0999", "")
    await stranger.refused(
        "POST",
        "/v2/assistants",
        json={"type": "outbound", "name": "A", "agent": {}, "phone_number": NUMBER},
    )
    assert (await api.send("GET", SLUG))["assistants"] == []


async def test_what_has_no_operation_of_its_own(api: Api) -> None:
    await api.refused("POST", "/v2/numbers", 405, json={})
    await api.refused("PATCH", f"/v2/assistants/{await api.agent()}", 405, json={})


async def test_answers_are_as_the_contract_writes_them(api: Api) -> None:
    made = await api.send("POST", "/v2/custom-numbers", json=custom(api))
    assert contract.faults(made, contract.answer_schema("POST", "/custom-numbers", 200)) == []
    for _ in range(2):  # before a change, and after
        shown = await api.send("GET", SLUG)
        assert (
            contract.faults(shown, contract.answer_schema("GET", "/numbers/{phone_number_slug}", 200)) == []
        )
        await api.send("PATCH", SLUG, json={"friendly_name": "Desk"})
    listed = await api.send("GET", "/v2/numbers")
    assert contract.faults(listed, contract.answer_schema("GET", "/numbers", 200)) == []
    assert shown["updated_at"] > shown["created_at"]
    assert shown["agency_workspace_id"] is None


@pytest.mark.parametrize(
    ("text", "host", "transport"),
    [
        ("sip.example.com", "sip.example.com", None),
        ("sip:10.0.0.1:5080;transport=TCP", "10.0.0.1:5080", "tcp"),
        ("[::1]:5060", "[::1]:5060", None),
    ],
)
def test_trunks(text: str, host: str, transport: str | None) -> None:
    read = trunk(text)
    assert (read.host, read.transport) == (host, transport)


@pytest.mark.parametrize("text", ["", "a b", "host:99999", "host;transport=smoke", "user@host", "-x", "<a>"])
def test_no_trunks(text: str) -> None:
    with pytest.raises(ValueError, match="SIP host"):
        trunk(text)
