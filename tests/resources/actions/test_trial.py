"""`POST /v2/actions/initialize`: the request really goes out, and is logged."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.platform.outbound.web import Web, response, web
from tests.resources.actions.bodies import SMS
from tests.resources.api import Api
from tests.resources.contract import contract
from trunkline.platform.outbound.masking import MASK

PATH = "/v2/actions/initialize"


async def create(api: Api, server: Web, path: str = "/hook", **changes: Any) -> str:
    body = {"http_mode": "POST", "url": server.url(path), "name": "hook", **changes}
    made = await api.send("POST", "/v2/actions", json={"CUSTOM_ACTION": body})
    return str(made["response"]["action_id"])


async def the_log(api: Api) -> dict[str, Any]:
    (item,) = (await api.send("GET", "/v2/logs"))["response"]["items"]
    log = (await api.send("GET", f"/v2/logs/{item['webhook_log_id']}"))["response"]
    return dict(log)


async def test_a_trial_sends_the_request_and_logs_it(api: Api) -> None:
    async with web() as server:
        server.answer = response(201, b'{"free": true}', Content_Type="application/json")
        action = await create(
            api,
            server,
            "/{city}",
            headers=[{"key": "X-Api-Key", "value": "s3cret"}, {"key": "X-City", "value": "{city}"}],
            query_parameters=[{"key": "token", "value": "s3cret"}, {"key": "n", "value": "{nights}"}],
            custom_auth={"is_needed": True, "value": "s3cret"},
            variables_during_the_call=[{"name": "nights", "type": "int", "example": "2"}, {"name": "city"}],
            json_body_stringified='{"nights": {nights}}',
        )
        answer = await api.send(
            "POST", PATH, json={"action_id": action, "variables": [{"key": "city", "value": "Rome"}]}
        )
        assert contract.faults(answer, contract.answer_schema("POST", "/actions/initialize", 200)) == []
        assert "201" in answer["response"]["answer"]
        (asked,) = server.asked
    assert (asked.method, asked.target) == ("POST", "/Rome?token=s3cret&n=2")
    assert asked.headers["authorization"] == "Bearer s3cret"
    assert asked.headers["x-api-key"] == "s3cret"
    assert json.loads(asked.body) == {"nights": 2}
    log = await the_log(api)
    assert "s3cret" not in str(log)
    assert log["webhook_type"] == "custom_action"
    assert (log["call_id"], log["model_id"], log["action_id"]) == ("", "", action)
    assert log["request_headers"]["X-Api-Key"] == log["request_headers"]["Authorization"] == MASK
    assert log["request_query_params"] == {"token": MASK, "n": "2"}
    assert log["request_payload"] == {"nights": 2}
    assert (log["status"], log["response_status_code"]) == ("success", 201)
    assert log["response_payload"] == {"free": True}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_every_method_is_sent_with_its_inputs_where_it_has_a_body(api: Api, method: str) -> None:
    async with web() as server:
        city = [{"name": "city", "type": "string", "example": "Rome"}]
        action = await create(api, server, http_mode=method.lower(), variables_during_the_call=city)
        await api.send("POST", PATH, json={"action_id": action})
        (asked,) = server.asked
    assert asked.method == method
    assert asked.body == (b'{"city": "Rome"}' if method in ("POST", "PUT", "PATCH") else b"")


@pytest.mark.parametrize("location", ["header", "query"])
async def test_what_an_action_shows_itself_by_is_in_no_log_whatever_it_is_called(
    api: Api, location: str
) -> None:
    async with web() as server:
        auth = {"is_needed": True, "location": location, "key": "X-Tenant", "value": "s3cret"}
        action = await create(api, server, custom_auth=auth)
        await api.send("POST", PATH, json={"action_id": action})
        (asked,) = server.asked
    assert "s3cret" in f"{asked.headers} {asked.target}"
    assert "s3cret" not in str(await the_log(api))


async def test_variables_may_be_an_object(api: Api) -> None:
    async with web() as server:
        action = await create(api, server, "/{city}")
        await api.send("POST", PATH, json={"action_id": action, "variables": {"city": "Rome"}})
    assert server.asked[0].target == "/Rome"


async def test_an_answer_that_is_no_success_is_told_and_logged(api: Api) -> None:
    async with web() as server:
        server.answer = response(500, b"broken")
        action = await create(api, server)
        assert "answered 500" in await api.refused("POST", PATH, json={"action_id": action})
    log = await the_log(api)
    assert (log["status"], log["response_status_code"]) == ("failed", 500)
    assert log["error_message"] == "The address answered 500."
    assert log["response_payload"] == {"body": "broken", "truncated": False}


async def test_a_failure_timeout_ends_it(api: Api) -> None:
    async with web() as server:
        server.answer = None
        action = await create(api, server, failure_timeout=1)
        assert "no answer within 1 s" in await api.refused("POST", PATH, json={"action_id": action})
    log = await the_log(api)
    assert log["status"] == "failed"
    assert log["response_status_code"] is log["response_payload"] is log["duration_ms"] is None
    assert "no answer within 1 s" in log["error_message"]


async def test_an_address_that_is_not_public_is_refused_and_logged(api: Api) -> None:
    body = {"url": "http://169.254.169.254/latest/meta-data", "name": "evil"}
    made = await api.send("POST", "/v2/actions", json={"CUSTOM_ACTION": body})
    action = made["response"]["action_id"]
    assert "not on the public Internet" in await api.refused("POST", PATH, json={"action_id": action})
    assert "not on the public Internet" in (await the_log(api))["error_message"]


async def test_only_custom_actions_of_the_workspace_are_tried(api: Api, stranger: Api) -> None:
    sms = (await api.send("POST", "/v2/actions", json={"SEND_SMS": SMS}))["response"]["action_id"]
    assert "only a CUSTOM_ACTION" in await api.refused("POST", PATH, json={"action_id": sms})
    async with web() as server:
        foreign = await create(stranger, server)
        for action in (foreign, str(uuid4()), "x"):
            text = await api.refused("POST", PATH, json={"action_id": action})
            assert text == f"action_id: there is no action {action}; see GET /v2/actions."
        assert server.asked == []
    assert "action_id is required" in await api.refused("POST", PATH, json={})
