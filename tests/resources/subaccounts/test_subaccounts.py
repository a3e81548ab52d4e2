"""`/v2/subaccounts`, rule by rule."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from tests.resources.api import BOX, Api
from tests.resources.contract import contract
from tests.resources.subaccounts.made import bearer, key, subaccount
from trunkline.errors import OutboundFailed
from trunkline.platform.http.scopes import PERMISSIONS
from trunkline.platform.outbound.client import Answer, Outbound
from trunkline.platform.storage.blobs import memory_blobs
from trunkline.resources.batches.models import BatchTask
from trunkline.resources.batches.tasks import BatchTasks
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.tasks import CallTasks
from trunkline.resources.numbers.models import Number
from trunkline.resources.numbers.service import PASSWORD_FIELD
from trunkline.resources.workspaces import secrets
from trunkline.resources.workspaces.models import Workspace

PATH = "/v2/subaccounts"
SID = "AC" + "0" * 32


async def shown(api: Api, path: str) -> dict[str, Any]:
    """A subaccount as its parent sees it."""
    (one,) = (await api.send("GET", path))["response"]["subaccounts"]
    return dict(one)


async def a_call(api: Api, workspace: str, agent: str, **values: Any) -> UUID:
    """A call of a subaccount."""
    call = Call(
        id=uuid4(), workspace_id=UUID(workspace), agent_id=UUID(agent), direction="outbound", **values
    )
    async with api.database.system() as session:
        session.add(call)
    return call.id


async def an_agent(api: Api, headers: dict[str, str], status: int = 200, **changes: Any) -> str:
    """A new agent of the workspace whose key is shown."""
    body = {"type": "outbound", "name": "A", "agent": {}, **changes}
    made = await api.send("POST", "/v2/assistants", status, json=body, headers=headers)
    return str(made["response"]["model_id"]) if status == 200 else str(made["detail"]["description"])


async def test_create_and_read(api: Api) -> None:
    made = await api.send("POST", PATH, json={"subaccount_name": "Branch", "user_email": "a@example.com"})
    assert contract.faults(made, contract.answer_schema("POST", "/subaccounts", 200)) == []
    response = made["response"]
    assert made["status"] == "ok"
    assert (response["user_email"], response["twilio_connected_successfully"]) == ("a@example.com", False)
    one = await api.send("GET", f"{PATH}/{response['subaccount_id']}")
    assert contract.faults(one, contract.answer_schema("GET", "/subaccounts/{subaccount_id}", 200)) == []
    assert one["status"] == "success"
    assert one["response"]["subaccounts"] == [
        {
            "subaccount_id": response["subaccount_id"],
            "agency_id": str(api.workspace.id),
            "name": "Branch",
            "pricing_tiers": [],
            "permissions": {str(name): True for name in PERMISSIONS},
            "subscription": {},
            "minutes_used": 0,
            "max_minutes": None,
            "members": [{"email": "a@example.com", "status": "invited"}],
        }
    ]


async def test_the_key_is_the_subaccounts_own(api: Api) -> None:
    made = await subaccount(api)
    workspace = await api.send("GET", "/trunkline/v1/workspace", headers=made.headers)
    assert workspace == {"id": made.id, "name": "Branch"}
    agent = await api.agent()
    await api.refused("GET", f"/v2/assistants/{agent}", 404, headers=made.headers)


async def test_list_newest_first_and_paged(api: Api, stranger: Api) -> None:
    names = ["1", "2", "3"]
    for name in names:
        await subaccount(api, subaccount_name=name)
    body = await api.send("GET", f"{PATH}/")
    assert contract.faults(body, contract.answer_schema("GET", "/subaccounts/", 200)) == []
    assert (body["status"], [one["name"] for one in body["response"]["subaccounts"]]) == (
        "success",
        ["3", "2", "1"],
    )
    paged = await api.send("GET", PATH, params={"page_number": 2, "page_size": 2})
    assert [one["name"] for one in paged["response"]["subaccounts"]] == ["1"]
    assert (await stranger.send("GET", PATH))["response"]["subaccounts"] == []


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"subaccount_name": None}, "subaccount_name is required"),
        ({"subaccount_name": ""}, "subaccount_name"),
        ({"user_email": "nobody"}, "user_email"),
        ({"concurrency": 0}, "concurrency"),
        ({"max_agents": -1}, "max_agents"),
        ({"max_minutes": 2**31}, "max_minutes"),
        ({"grant_permissions": ["chat", "chat"]}, "chat is there twice"),
        ({"revoke_permissions": ["chat", "chat"]}, "chat is there twice"),
        ({"grant_permissions": ["chat"], "revoke_permissions": ["logs", "chat"]}, "both name chat"),
        ({"revoke_permissions": ["flying"]}, "'flying' is no permission"),
        ({"revoke_permissions": ["calls"]}, "'calls' is no permission"),
        ({"twilio_account_sid": SID}, "send both"),
        ({"twilio_auth_token": "t"}, "send both"),
        ({"twilio_account_sid": "x", "twilio_auth_token": "t"}, "twilio_account_sid"),
    ],
)
async def test_what_is_refused(api: Api, fields: dict[str, Any], hint: str) -> None:
    assert hint in await api.refused("POST", PATH, json={"subaccount_name": "Branch", **fields})
    made = await subaccount(api)
    if fields != {"subaccount_name": None}:  # an update wants nothing
        text = await api.refused("PUT", made.path, json=fields)
        assert hint in text.replace("invite_user_email", "user_email")


async def test_update_is_partial(api: Api) -> None:
    made = await subaccount(api, max_minutes=10, revoke_permissions=["chat", "logs"])
    body = {
        "subaccount_name": "New",
        "invite_user_email": "b@example.com",
        "grant_permissions": ["chat"],
        "revoke_permissions": ["widget"],
        "pricing_tiers_attach": [{"pricing_tier_id": "t1"}, {"pricing_tier_id": "t2"}],
        "import_subscription": {"stripe_subscription_id": "s"},
    }
    answer = await api.send("PUT", made.path, json=body)
    assert answer["response"] == {
        "subaccount_id": made.id,
        "api_key": None,
        "user_email": "b@example.com",
        "sign_in_link": "",
    }
    one = await shown(api, made.path)
    assert (one["name"], one["max_minutes"]) == ("New", 10)
    assert {name for name, granted in one["permissions"].items() if not granted} == {"logs", "widget"}
    assert one["pricing_tiers"] == [{"pricing_tier_id": "t1"}, {"pricing_tier_id": "t2"}]
    assert one["subscription"] == {"stripe_subscription_id": "s"}
    await api.send("PUT", made.path, json={"pricing_tiers_detach": [{"pricing_tier_id": "t1"}]})
    await api.send("PUT", made.path, json={"user_email": "b@example.com", "max_minutes": None})
    await api.send("PUT", made.path, headers={"Content-Type": "application/json"})
    changed = await shown(api, made.path)
    assert changed == {**one, "pricing_tiers": [{"pricing_tier_id": "t2"}], "max_minutes": None}


async def test_foreign_ones_answer_like_unknown_ones(api: Api, stranger: Api) -> None:
    made = await subaccount(api)
    unknown = str(uuid4())
    for method in ("GET", "PUT", "DELETE"):
        texts = {
            (await stranger.refused(method, f"{PATH}/{id_}", 404)).replace(id_, "")
            for id_ in (made.id, unknown, "x", str(stranger.workspace.id))
        }
        assert len(texts) == 1
    assert (await shown(api, made.path))["name"] == "Branch"


async def test_a_subaccount_has_none_itself(api: Api) -> None:
    made = await subaccount(api)
    body = {"subaccount_name": "Deeper"}
    text = await api.refused("POST", PATH, 403, json=body, headers=made.headers)
    assert "key of the parent" in text
    await api.refused("POST", PATH, 403, json=body, params={"workspace_id": made.id})
    assert (await api.send("GET", PATH, headers=made.headers))["response"]["subaccounts"] == []
    await api.refused("PUT", made.path, 404, json={"max_agents": None}, headers=made.headers)


async def test_its_key_can_do_no_more_than_the_one_that_made_it(api: Api) -> None:
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    limited = await key(api, scopes=["subaccounts", "contacts:read"], expires_at=until)
    body = {"subaccount_name": "Branch"}
    made = await api.send("POST", PATH, json=body, headers=bearer(limited))
    own = bearer(made["response"]["api_key"])
    assert (await api.client.get("/v2/assistants", headers=own)).status_code == 403
    (shown_key,) = (
        await api.send(
            "GET", "/trunkline/v1/keys", params={"workspace_id": made["response"]["subaccount_id"]}
        )
    )["items"]
    assert shown_key["scopes"] == ["contacts:read", "subaccounts"]
    assert datetime.fromisoformat(shown_key["expires_at"]) == datetime.fromisoformat(until)


@pytest.mark.parametrize(("status", "connected"), [(200, True), (401, False), (None, False)])
async def test_twilio_is_asked_and_its_account_kept_sealed(
    api: Api, monkeypatch: pytest.MonkeyPatch, status: int | None, connected: bool
) -> None:
    asked: list[str] = []

    async def send(self: Outbound, method: str, url: str, **options: Any) -> Answer:
        asked.append(f"{method} {url} {options['headers']['Authorization'][:6]}")
        if status is None:
            raise OutboundFailed("no way out")
        return Answer(status, {}, b"{}", 1, 1)

    monkeypatch.setattr(Outbound, "send", send)
    body = {"subaccount_name": "B", "twilio_account_sid": SID, "twilio_auth_token": "hush-hush"}
    made = (await api.send("POST", PATH, json=body))["response"]
    assert made["twilio_connected_successfully"] is connected
    assert asked == [f"GET https://api.twilio.com/2010-04-01/Accounts/{SID}.json Basic "]
    async with api.database.workspace(UUID(made["subaccount_id"])) as session:
        kept = await secrets.secret(session, BOX, UUID(made["subaccount_id"]), "twilio")
    assert kept == {"account_sid": SID, "auth_token": "hush-hush"}


async def test_minutes_are_counted_and_limited(api: Api) -> None:
    made = await subaccount(api, max_minutes=3)
    agent = await an_agent(api, made.headers)
    await api.host()
    await a_call(api, made.id, agent, status="completed", duration_s=100)
    await a_call(api, made.id, agent, status="completed", duration_s=79)
    assert (await shown(api, made.path))["minutes_used"] == 2
    order = {"model_id": agent, "phone": "+14155550199", "name": ""}
    await api.send("POST", "/v2/calls", json=order, headers=made.headers)
    await a_call(api, made.id, agent, status="completed", duration_s=1)
    assert (await shown(api, made.path))["minutes_used"] == 3
    text = await api.refused("POST", "/v2/calls", json=order, headers=made.headers)
    assert "used its 3 minutes" in text
    await api.send("PUT", made.path, json={"max_minutes": None})
    await api.send("POST", "/v2/calls", json=order, headers=made.headers)


async def test_calls_at_once_are_limited(api: Api) -> None:
    made = await subaccount(api, concurrency=1)
    agent = await an_agent(api, made.headers)
    await api.host()
    order = {"model_id": agent, "phone": "+14155550199", "name": ""}
    await api.send("POST", "/v2/calls", json=order, headers=made.headers)
    answer = await api.client.request("POST", "/v2/calls", json=order, headers=made.headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    own = await api.agent()
    await api.send("POST", "/v2/calls", json={**order, "model_id": own})


async def _batch(api: Api, headers: dict[str, str], workspace: str) -> tuple[str, BatchTasks]:
    """A batch of two tasks of a subaccount, and what places its calls."""
    await api.host(capacity=5)
    agent = await an_agent(api, headers)
    number = await api.number("+14155550100", workspace_id=workspace)
    tasks = [{"to_phone_number": f"+1415555019{n}", "lead_name": ""} for n in range(2)]
    body = {"model_id": agent, "from_phone_number": number, "name": "B", "tasks": tasks}
    made = await api.send("POST", "/v2/calls/batch", json=body, headers=headers)
    placing = BatchTasks(api.database, CallTasks(api.database, memory_blobs()))
    return str(made["response"]["batch_call_id"]), placing


async def _tasks(api: Api, batch: str, workspace: str) -> list[str]:
    """The statuses of a batch's tasks, in the order added."""
    mine = select(BatchTask.status).where(BatchTask.batch_id == UUID(batch)).order_by(BatchTask.seq)
    async with api.database.workspace(UUID(workspace)) as session:
        return list(await session.scalars(mine))


@pytest.mark.parametrize(
    ("taken", "given"),
    [
        ({"max_minutes": 0}, {"max_minutes": None}),
        ({"revoke_permissions": ["outbound"]}, {"grant_permissions": ["outbound"]}),
    ],
)
async def test_batches_wait_while_the_parent_allows_no_calls(
    api: Api, taken: dict[str, Any], given: dict[str, Any]
) -> None:
    made = await subaccount(api)
    batch, placing = await _batch(api, made.headers, made.id)
    for change, status in ((taken, "pending"), (given, "dispatched")):
        await api.send("PUT", made.path, json=change)
        await placing.look()
        assert await _tasks(api, batch, made.id) == [status, status]


async def test_batches_keep_to_the_calls_at_once(api: Api) -> None:
    made = await subaccount(api, concurrency=1)
    batch, placing = await _batch(api, made.headers, made.id)
    await placing.look()
    await placing.look()
    assert await _tasks(api, batch, made.id) == ["dispatched", "pending"]


async def test_agents_made_at_once_stay_within_the_limit(api: Api) -> None:
    made = await subaccount(api, max_agents=1)
    body = {"type": "outbound", "name": "A", "agent": {}}
    answers = await asyncio.gather(
        *(api.client.post("/v2/assistants", json=body, headers=made.headers) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


async def test_agents_are_limited(api: Api) -> None:
    made = await subaccount(api, max_agents=1)
    agent = await an_agent(api, made.headers)
    assert "at most 1 agents" in await an_agent(api, made.headers, 400)
    await api.send("DELETE", f"/v2/assistants/{agent}", headers=made.headers)
    await an_agent(api, made.headers)


async def test_agents_need_the_permission_of_their_type(api: Api) -> None:
    made = await subaccount(api, revoke_permissions=["inbound"])
    assert "permission inbound" in await an_agent(api, made.headers, 403, type="inbound")
    agent = await an_agent(api, made.headers)
    path = f"/v2/assistants/{agent}"
    await api.refused("PUT", path, 403, json={"type": "inbound"}, headers=made.headers)
    await api.send("PUT", path, json={"name": "B"}, headers=made.headers)
    await api.send("PUT", made.path, json={"grant_permissions": ["inbound"]})
    await api.send("PUT", path, json={"type": "inbound"}, headers=made.headers)


async def test_delete_closes_it_and_brings_its_numbers_back(api: Api) -> None:
    made = await subaccount(api)
    agent = await an_agent(api, made.headers, type="inbound")
    number = {"workspace_id": made.id, "phone_number": "+14155550100", "termination_uri": "sip.example.com"}
    await api.send("POST", "/v2/custom-numbers", json={**number, "trunk_pwd": "hush", "agent_id": agent})
    await api.send("PUT", "/trunkline/v1/secrets/calcom", json={"api_key": "k"}, headers=made.headers)
    waiting = await a_call(api, made.id, agent, status="queue")
    on = await a_call(api, made.id, agent, status="in-progress")
    answer = await api.send("DELETE", made.path)
    assert (
        contract.faults(answer, contract.answer_schema("DELETE", "/subaccounts/{subaccount_id}", 200)) == []
    )
    await api.refused("GET", "/v2/assistants", 401, headers=made.headers)
    await api.refused("GET", made.path, 404)
    await api.refused("DELETE", made.path, 404)
    assert (await api.send("GET", PATH))["response"]["subaccounts"] == []
    back = await api.send("GET", "/v2/numbers/14155550100")
    assert (back["workspace_id"], back["assistants"], back["is_available"]) == (
        str(api.workspace.id),
        [],
        True,
    )
    async with api.database.system() as session:
        row = (await session.scalars(select(Number))).one()
        assert row.trunk_password_encrypted is not None
        assert BOX.open(api.workspace.id, PASSWORD_FIELD, row.trunk_password_encrypted) == "hush"
        assert await secrets.stored(session, UUID(made.id)) == []
        assert (await session.get_one(Call, waiting)).status == "canceled"
        assert (await session.get_one(Call, on)).status == "in-progress"
        assert (await session.get_one(Workspace, UUID(made.id))).deleted_at is not None


async def test_a_deleted_one_cannot_be_acted_in(api: Api) -> None:
    made = await subaccount(api)
    await api.send("DELETE", made.path)
    body = {"workspace_id": made.id, "phone_number": "+14155550100", "termination_uri": "sip.example.com"}
    await api.refused("POST", "/v2/custom-numbers", 403, json=body)
    await api.refused("POST", "/trunkline/v1/keys", 403, json={"workspace_id": made.id})
