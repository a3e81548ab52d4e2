"""`/v2/logs`: what is kept of outgoing requests, and how it is found."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tests.resources.api import Api
from tests.resources.contract import contract
from trunkline.platform.outbound.client import Answer
from trunkline.platform.outbound.masking import MASK
from trunkline.resources.webhooks.record import LARGEST_KEPT, Delivery, record
from trunkline.resources.workspaces.models import Workspace

AT = datetime(2026, 10, 5, 12, tzinfo=UTC)
CALL, AGENT = uuid4(), uuid4()


async def log(api: Api, body: bytes = b"{}", answered: bytes | None = b"{}", **changes: Any) -> str:
    """A stored log's id."""
    answer = None if answered is None else Answer(200, {"set-cookie": "a=1", "x-a": "1"}, answered, 120, 80)
    delivery = Delivery(
        **{
            "kind": "external_webhook",
            "method": "POST",
            "url": "https://example.com/hook",
            "headers": {"Authorization": "Bearer s3cret", "X-Name": "Ann"},
            "body": body,
            "sent_at": AT,
            "answer": answer,
            **changes,
        }
    )
    async with api.database.workspace(api.workspace.id) as session:
        return str(await record(session, api.workspace.id, delivery))


async def read(api: Api, log_id: str) -> dict[str, Any]:
    answer = await api.send("GET", f"/v2/logs/{log_id}")
    return dict(answer["response"])


async def ids(api: Api, **query: Any) -> list[str]:
    answer = await api.send("GET", "/v2/logs", params=query)
    assert contract.faults(_without_nulls(answer), contract.answer_schema("GET", "/logs", 200)) == []
    return [item["webhook_log_id"] for item in answer["response"]["items"]]


def _without_nulls(value: Any) -> Any:
    """Optional members without a value are null, which no schema of the contract says."""
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(member) for member in value] if isinstance(value, list) else value


async def test_a_log_tells_all_but_secrets(api: Api) -> None:
    made = await log(
        api,
        b'{"call": {"id": 1}}',
        b'{"ok": true}',
        url="https://user:s3cret@example.com/hook?api_key=s3cret&n=1",
        call_id=CALL,
        agent_id=AGENT,
        attempt=2,
    )
    shown = await read(api, made)
    answer = {"status": "ok", "response": _without_nulls(shown)}
    assert contract.faults(answer, contract.answer_schema("GET", "/logs/{webhook_log_id}", 200)) == []
    assert "s3cret" not in str(shown)
    assert shown == {
        "webhook_log_id": made,
        "webhook_type": "external_webhook",
        "webhook_url": "https://********@example.com/hook?api_key=********&n=1",
        "call_id": str(CALL),
        "model_id": str(AGENT),
        "workspace_id": str(api.workspace.id),
        "action_id": None,
        "request_timestamp": "2026-10-05T12:00:00+00:00",
        "attempt_number": 2,
        "request_headers": {"Authorization": "********", "X-Name": "Ann"},
        "request_payload": {"call": {"id": 1}},
        "request_query_params": {"api_key": "********", "n": "1"},
        "request_origin": {
            "user_agent": shown["request_origin"]["user_agent"],
            "x_forwarded_for": None,
            "x_real_ip": None,
        },
        "response_timestamp": "2026-10-05T12:00:00.120000+00:00",
        "response_status_code": 200,
        "response_headers": {"set-cookie": "********", "x-a": "1"},
        "response_payload": {"ok": True},
        "response_ttfb_ms": 80,
        "response_size_total": 37,
        "response_size_body": 12,
        "duration_ms": 120,
        "status": "success",
        "error_message": None,
        "flow_location": None,
    }
    assert shown["request_origin"]["user_agent"].startswith("Trunkline/")


async def test_a_list_shows_less(api: Api) -> None:
    made = await log(api, agent_id=AGENT)
    (item,) = (await api.send("GET", "/v2/logs"))["response"]["items"]
    assert item == {
        "webhook_log_id": made,
        "request_timestamp": "2026-10-05T12:00:00+00:00",
        "model_id": str(AGENT),
        "status": "success",
        "webhook_url": "https://example.com/hook",
        "response_status_code": 200,
        "http_method": "post",
    }


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", {}),
        (b"[1]", {"body": [1]}),
        (b"hello", {"body": "hello", "truncated": False}),
        (b"\xff\x00", {"body": "��", "truncated": False}),
        (b'{"a": "\\u0000"}', {"body": '{"a": "\\u0000"}', "truncated": False}),
        (b'{"a": "\\ud800"}', {"body": '{"a": "\\ud800"}', "truncated": False}),
        (b'{"a": NaN}', {"body": '{"a": NaN}', "truncated": False}),
        (b"[" * 1000 + b"]" * 1000, {"body": "[" * 1000 + "]" * 1000, "truncated": False}),
        (b"a" * (LARGEST_KEPT + 1), {"body": "a" * LARGEST_KEPT, "truncated": True}),
    ],
)
async def test_any_answer_can_be_kept(api: Api, body: bytes, kept: dict[str, Any]) -> None:
    assert (await read(api, await log(api, answered=body)))["response_payload"] == kept


SECRETS = {"password": "s3cret", "deep": [{"apiKey": "s3cret", "n": 1}], "told": '{"token": "s3cret"}'}
SHOWN = {"password": MASK, "deep": [{"apiKey": MASK, "n": 1}], "told": json.dumps({"token": MASK})}


async def test_secrets_of_bodies_are_masked_by_the_names_of_members(api: Api) -> None:
    body = json.dumps(SECRETS).encode()
    shown = await read(api, await log(api, body, body))
    assert shown["request_payload"] == shown["response_payload"] == SHOWN


async def test_a_form_is_shown_by_its_fields_without_secrets(api: Api) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    shown = await read(api, await log(api, b"To=%2B1415&a=1&a=2&pass%77ord=s3cret", headers=headers))
    assert shown["request_payload"] == {"To": "+1415", "a": ["1", "2"], "password": MASK}


@pytest.mark.parametrize(
    "body",
    [b"password=s3cret&n=1", b'{"n": NaN, "password": "s3cret"}', b'{"password": "s3cret", "n": "' + b"n" * LARGEST_KEPT],
    ids=["undeclared form", "no JSON", "cut off"],
)  # fmt: skip
async def test_what_is_kept_as_text_is_masked_too(api: Api, body: bytes) -> None:
    kept = (await read(api, await log(api, body)))["request_payload"]["body"]
    assert "s3cret" not in kept
    assert MASK in kept
    assert "n" in kept


async def test_headers_and_parameters_that_are_known_to_hold_a_secret_are_masked_whatever_they_are_called(
    api: Api,
) -> None:
    told: dict[str, Any] = {
        "headers": {"X-Tenant": "s3cret", "X-Name": "Ann"},
        "url": "https://a.example/?t=s3cret&n=1",
    }
    shown = await read(api, await log(api, secrets=frozenset({"x-tenant", "t"}), **told))
    assert "s3cret" not in str(shown)
    assert shown["request_headers"]["X-Name"] == "Ann"
    assert shown["request_query_params"]["n"] == "1"


async def test_why_no_answer_came_tells_no_secret(api: Api) -> None:
    shown = await read(
        api, await log(api, answered=None, error="'ftp://u:s3cret@a/?token=s3cret' is no address")
    )
    assert "s3cret" not in shown["error_message"]


async def test_an_answer_that_is_of_no_use_is_a_failure_with_its_reason(api: Api) -> None:
    shown = await read(api, await log(api, answered=b"hm", unusable=True, error="the answer is no JSON"))
    assert (shown["status"], shown["response_status_code"]) == ("failed", 200)
    assert shown["error_message"] == "the answer is no JSON"


async def test_a_request_without_an_answer(api: Api) -> None:
    shown = await read(api, await log(api, answered=None, error="no answer within 5 s"))
    assert (shown["status"], shown["error_message"]) == ("failed", "no answer within 5 s")
    assert shown["response_headers"] is shown["response_timestamp"] is shown["duration_ms"] is None


async def test_every_filter(api: Api) -> None:
    failed = Answer(500, {}, b"", 1, 1)
    inbound = await log(api, kind="inbound_webhook", sent_at=AT - timedelta(days=1))
    action = await log(api, kind="custom_action", method="GET", url="https://a_b.example/x%y")
    broken = await log(api, answer=failed, call_id=CALL, agent_id=AGENT, sent_at=AT + timedelta(days=1))
    assert await ids(api) == [broken, action, inbound]
    assert await ids(api, webhook_type="inbound_webhook") == [inbound]
    assert await ids(api, status="failed") == [broken]
    assert await ids(api, status="pending") == []
    assert await ids(api, http_method="get") == [action]
    assert await ids(api, assistant_id=str(AGENT)) == [broken]
    assert await ids(api, call_id=str(CALL)) == [broken]
    assert await ids(api, call_id="unknown") == await ids(api, assistant_id="unknown") == []
    assert await ids(api, from_date="2026-10-05T12:00:00Z") == [broken, action]
    assert await ids(api, to_date="2026-10-05T12:00:00Z") == [action, inbound]
    assert await ids(api, to_date="2026-10-05") == [action, inbound]
    assert await ids(api, from_date="2026-10-05", to_date="2026-10-05") == [action]
    assert await ids(api, search="A_B.example") == [action]
    assert await ids(api, search="x%y") == [action]
    assert await ids(api, search="axb") == []
    assert await ids(api, search=str(CALL)) == await ids(api, search=broken) == [broken]
    assert await ids(api, status="failed", http_method="get") == []
    assert await ids(api, webhook_type="", unknown="1") == [broken, action, inbound]


async def test_pages(api: Api) -> None:
    made = [await log(api, sent_at=AT + timedelta(seconds=n)) for n in range(3)]
    answer = (await api.send("GET", "/v2/logs?page_number=2&page_size=2"))["response"]
    assert [item["webhook_log_id"] for item in answer["items"]] == [made[0]]
    assert (answer["total"], answer["page_number"], answer["page_size"]) == (3, 2, 2)


@pytest.mark.parametrize(
    "query",
    [
        "webhook_type=carrier_pigeon",
        "status=done",
        "http_method=trace",
        "from_date=yesterday",
        "page_size=0",
        "page_number=x",
    ],
)
async def test_what_is_malformed_is_422_in_its_own_shape(api: Api, query: str) -> None:
    answer = await api.send("GET", f"/v2/logs?{query}", 422)
    assert set(answer) == {"error", "message"}
    assert query.partition("=")[0] in answer["message"]


async def test_unknown_and_foreign_logs_are_404_in_their_own_shape(api: Api, stranger: Api) -> None:
    foreign = await log(stranger)
    for log_id in (foreign, str(uuid4()), "x"):
        answer = await api.send("GET", f"/v2/logs/{log_id}", 404)
        assert answer == {"error": "not_found", "message": f"There is no webhook log {log_id}."}
    assert await ids(api) == []


async def test_a_bad_key_is_401_in_the_envelope(api: Api) -> None:
    headers = {"Authorization": "Bearer nothing"}
    assert "Unauthorized" in await api.refused("GET", "/v2/logs", 401, headers=headers)


async def test_the_workspace_is_ones_own_or_a_subaccount(api: Api, stranger: Api) -> None:
    made = await log(api)
    own = str(api.workspace.id)
    assert await ids(api, workspace_id=own) == await ids(api, workspace=own) == [made]
    assert await ids(api, workspace_id="") == [made]
    for named in (str(stranger.workspace.id), str(uuid4()), "x"):
        for path in ("/v2/logs", f"/v2/logs/{made}"):
            answer = await api.send("GET", path, 403, params={"workspace_id": named})
            assert set(answer) == {"error", "message"}
            assert answer["error"] == "forbidden"
    child = Workspace(name="child", parent_id=api.workspace.id)
    async with api.database.system() as session:
        session.add(child)
    async with api.database.workspace(child.id) as session:
        delivery = Delivery("external_webhook", "POST", "https://example.com", {}, None, AT, None)
        theirs = await record(session, child.id, delivery)
    assert await ids(api, workspace_id=str(child.id)) == [str(theirs)]
    shown = await api.send("GET", f"/v2/logs/{theirs}", params={"workspace_id": str(child.id)})
    assert UUID(shown["response"]["workspace_id"]) == child.id


async def test_a_key_without_the_scope_is_403_in_its_own_shape(api: Api) -> None:
    made = await api.send("POST", "/trunkline/v1/keys", json={"name": "k", "scopes": ["actions"]})
    headers = {"Authorization": f"Bearer {made['key']}"}
    answer = await api.send("GET", "/v2/logs", 403, headers=headers)
    assert answer["error"] == "forbidden"
    assert "logs" in answer["message"]


@pytest.mark.parametrize("column", ["kind", "status", "method", "agent_id", "call_id"])
async def test_every_filter_has_an_index_that_begins_with_the_workspace(api: Api, column: str) -> None:
    query = text("SELECT indexdef FROM pg_indexes WHERE tablename = 'webhook_logs'")
    async with api.database.system() as session:
        indexes = (await session.execute(query)).scalars().all()
    assert any(f"(workspace_id, {column}, requested_at DESC, id)" in each for each in indexes)
