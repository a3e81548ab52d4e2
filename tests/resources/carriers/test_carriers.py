"""`/trunkline/v1/lines`: URL, token and markup for a carrier."""

from uuid import UUID
from xml.etree import ElementTree

import pytest

from tests.resources.api import BOX, Api
from trunkline.resources.carriers import tokens

BASE = "wss://voice.example.com"


@pytest.fixture
async def model_id(api: Api) -> str:
    api.app.state.lines_url = BASE + "/"
    return await api.agent()


@pytest.mark.parametrize("carrier", ["twilio", "telnyx", "plivo"])
async def test_what_a_carrier_is_given(api: Api, model_id: str, carrier: str) -> None:
    answer = await api.send("GET", f"/trunkline/v1/lines/{carrier}/{model_id}")
    told = answer["response"]
    assert told["expires_at"] is None
    assert tokens.is_good(BOX, carrier, UUID(model_id), told["token"])
    base = f"{BASE}/trunkline/v1/lines/{carrier}/{model_id}"
    assert told["url"] == (base if carrier == "twilio" else f"{base}?token={told['token']}")
    (stream,) = ElementTree.fromstring(told["markup"]).iter("Stream")
    assert told["url"] in (stream.get("url"), stream.text)
    parameters = {each.get("name"): each.get("value") for each in stream.iter("Parameter")}
    if carrier == "twilio":
        assert parameters == {"token": told["token"], "from": "{{From}}", "to": "{{To}}"}


async def test_a_token_may_have_an_end_and_is_for_one_line(api: Api, model_id: str) -> None:
    answer = await api.send("GET", f"/trunkline/v1/lines/twilio/{model_id}?expires_in=60")
    token, agent = answer["response"]["token"], UUID(model_id)
    assert answer["response"]["expires_at"] is not None
    assert tokens.is_good(BOX, "twilio", agent, token)
    assert not tokens.is_good(BOX, "plivo", agent, token)
    assert not tokens.is_good(BOX, "twilio", UUID(int=1), token)
    expires, _, signature = token.partition(".")
    for broken in ("", expires, f"{int(expires) + 1}.{signature}", f"x.{signature}", f"{expires}.ä"):
        assert not tokens.is_good(BOX, "twilio", agent, broken)
    assert not tokens.is_good(BOX, "twilio", agent, tokens.token(BOX, "twilio", agent, -1))


async def test_without_a_url_a_host_is_named(api: Api, model_id: str) -> None:
    api.app.state.lines_url = None
    await api.refused("GET", f"/trunkline/v1/lines/twilio/{model_id}", 503)
    await api.host()
    answer = await api.send("GET", f"/trunkline/v1/lines/twilio/{model_id}")
    assert answer["response"]["url"].startswith("ws://")


async def test_what_is_refused(api: Api, model_id: str) -> None:
    await api.refused("GET", f"/trunkline/v1/lines/twilio/{UUID(int=0)}", 404)
    for wrong in (f"nobody/{model_id}", f"twilio/{model_id}?expires_in=1"):
        await api.refused("GET", f"/trunkline/v1/lines/{wrong}")
