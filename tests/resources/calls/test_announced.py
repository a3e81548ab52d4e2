"""`POST /v2/prepare_inbound`, and the calls that come after it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, update

from tests.resources.api import Api
from tests.resources.calls.rows import row
from tests.resources.contract import contract
from trunkline.errors import NoFreeSlot, NotFound
from trunkline.platform.storage import system
from trunkline.platform.storage.blobs import memory_blobs
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.plan import CallPlan
from trunkline.resources.calls.tasks import CallTasks

PATH = "/v2/prepare_inbound"
CALLER, DIALLED = "+15550199", "+15550100"


async def prepare(api: Api, **changes: Any) -> Any:
    body = {"model_id": changes.pop("model_id", None) or await api.agent(), "from_number": "+1555", **changes}
    return await api.send("POST", PATH, json=body)


async def host(api: Api, capacity: int = 2) -> UUID:
    id_ = uuid4()
    async with api.database.system() as session:
        await system.register_node(
            session, str(id_), role="voice", control_url="", sip_address="", capacity=capacity
        )
    return id_


async def ring(api: Api, on: UUID, headers: dict[str, str]) -> CallPlan:
    live = LiveCalls(api.database, api.platform.secrets)
    return await live.open_inbound(
        dialled=DIALLED, caller=CALLER, host=on, sip_call_id="abc", headers=headers
    )


async def test_the_answer_is_bare_and_echoes(api: Api) -> None:
    agent = await api.agent()
    body = {
        "model_id": agent,
        "from_number": CALLER,
        "to_number": DIALLED,
        "workspace_id": str(api.workspace.id),
        "custom_variables": [{"key": "first", "value": "Ann"}],
    }
    answer = await api.send("POST", PATH, json=body)
    assert contract.faults(answer, contract.answer_schema("POST", "/prepare_inbound", 200)) == []
    assert answer == {
        **body,
        "call_status": "registered",
        "synthflow_call_id": answer["synthflow_call_id"],
        "direction": "inbound",
        "custom_variables": {"first": "Ann"},
    }
    (shown,) = (await api.send("GET", f"/v2/calls/{answer['synthflow_call_id']}"))["response"]["calls"]
    assert (shown["call_status"], shown["model_id"], shown["type_of_call"]) == (
        "registered",
        agent,
        "inbound",
    )


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"model_id": str(uuid4())}, "model_id"),
        ({"from_number": ""}, "from_number or to_number"),
        ({"workspace_id": str(uuid4())}, "workspace_id"),
        ({"workspace_id": "x"}, "workspace_id"),
        ({"custom_variables": "x"}, "custom_variables"),
        ({"to_number": "1" * 300}, "to_number"),
    ],
)
async def test_what_is_refused(api: Api, changes: dict[str, Any], hint: str) -> None:
    body = {"model_id": await api.agent(), "from_number": CALLER, **changes}
    assert hint in await api.refused("POST", PATH, json=body)
    assert "model_id is required" in await api.refused("POST", PATH, json={"from_number": CALLER})


async def test_a_foreign_agent_is_unknown(api: Api, stranger: Api) -> None:
    body = {"model_id": await api.agent(), "from_number": CALLER}
    assert "there is no agent" in await stranger.refused("POST", PATH, json=body)


async def test_the_invite_takes_id_agent_and_variables(api: Api) -> None:
    agent = await api.agent(
        agent={"prompt": "Greet {first} at {user_phone_number}.", "timezone": "Asia/Tokyo"}
    )
    made = await prepare(
        api, model_id=agent, from_number="", to_number="+1", custom_variables={"first": "Ann"}
    )
    on = await host(api)
    plan = await ring(api, on, {"x-ei": made["synthflow_call_id"], "X-Trace": "7"})
    assert str(plan.call_id) == made["synthflow_call_id"]
    assert (str(plan.agent_id), plan.profile.prompt) == (agent, f"Greet Ann at {CALLER}.")
    assert (plan.number_from, plan.number_to) == (CALLER, "+1")
    call = await row(api, made["synthflow_call_id"])
    assert (call.status, call.host_id, call.sip_call_id) == ("ringing", str(on), "abc")
    assert (call.other_party, call.agent_number, call.timezone) == (CALLER, "+1", "Asia/Tokyo")
    assert call.started_at is not None


async def test_an_id_is_good_once_and_other_ids_are_none(api: Api) -> None:
    inbound = await api.agent(type="inbound")
    await api.number(DIALLED)
    await api.send("PATCH", f"/v2/numbers/{DIALLED[1:]}", json={"agent_id": inbound})
    made = await prepare(api)
    on = await host(api, 10)
    first = await ring(api, on, {"X-EI": made["synthflow_call_id"]})
    for header in (made["synthflow_call_id"], str(uuid4()), "7f3a@carrier", ""):
        plan = await ring(api, on, {"X-EI": header})
        assert plan.call_id != first.call_id
        assert str(plan.agent_id) == inbound


async def test_while_there_is_no_room_it_stays_announced(api: Api) -> None:
    made = await prepare(api)
    headers = {"X-EI": made["synthflow_call_id"]}
    draining = await host(api)
    async with api.database.system() as session:
        await system.drain_node(session, str(draining))
    with pytest.raises(NoFreeSlot):
        await ring(api, draining, headers)
    assert (await row(api, made["synthflow_call_id"])).status == "registered"
    assert (await ring(api, await host(api), headers)).call_id == UUID(made["synthflow_call_id"])


async def test_the_agent_was_deleted_meanwhile(api: Api) -> None:
    agent = await api.agent()
    made = await prepare(api, model_id=agent)
    await api.send("DELETE", f"/v2/assistants/{agent}")
    with pytest.raises(NotFound, match="deleted"):
        await ring(api, await host(api), {"X-EI": made["synthflow_call_id"]})


async def test_after_a_quarter_of_an_hour_it_is_over(api: Api) -> None:
    late, fresh = await prepare(api), await prepare(api)
    async with api.database.system() as session:
        past = func.now() - timedelta(minutes=16)
        mine = Call.id == UUID(late["synthflow_call_id"])
        await session.execute(update(Call).where(mine).values(created_at=past))
    with pytest.raises(NotFound, match="not known"):
        await ring(api, await host(api), {"X-EI": late["synthflow_call_id"]})
    await CallTasks(api.database, memory_blobs()).give_up_announced()
    call = await row(api, late["synthflow_call_id"])
    assert (call.status, call.end_reason) == ("failed", "error")
    assert "X-EI" in (call.error_message or "")
    assert call.ended_at is not None
    assert (await row(api, fresh["synthflow_call_id"])).status == "registered"
