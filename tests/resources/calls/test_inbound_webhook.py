"""Who takes an inbound call is asked first: over real connections, on the real database."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from hmac import digest
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from tests.platform.outbound.web import Asked, Web, response, web
from tests.resources.calls.conftest import NUMBER, active, ring, stored
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.inbound_webhook import Budget, InboundWebhook, Reply, reply_of
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import Call
from trunkline.resources.calls.plan import CallPlan
from trunkline.resources.webhooks.models import WebhookLog
from trunkline.resources.webhooks.signing import signing_of
from trunkline.resources.workspaces.models import Workspace

PATIENT = Budget(whole=30.0, patience=30.0, pause=0.01)


@pytest.fixture
async def receiver() -> AsyncIterator[Web]:
    async with web() as served:
        yield served


@pytest.fixture
async def webhook(database: Database, box: SecretBox) -> AsyncIterator[InboundWebhook]:
    outbound = Outbound("127.0.0.1")
    yield InboundWebhook(database, box, outbound, PATIENT)
    await outbound.close()


def says(inner: Any) -> bytes:
    return response(200, json.dumps({"call_inbound": inner}).encode())


async def rung(
    database: Database, live: LiveCalls, agent: Agent, host: UUID, url: str, **settings: Any
) -> CallPlan:
    async with database.workspace(agent.workspace_id) as session:
        await session.execute(
            update(Agent)
            .where(Agent.id == agent.id)
            .values(inbound_call_webhook_url=url, settings={**agent.settings, **settings})
        )
    return await ring(live, host)


async def another(database: Database, workspace_id: UUID) -> Agent:
    agent = Agent(
        workspace_id=workspace_id,
        name="Night desk",
        type="inbound",
        settings={"prompt": "You are the night desk for {tier}; call {call_id}.", "timezone": "Asia/Tokyo"},
    )
    async with database.workspace(workspace_id) as session:
        session.add(agent)
    return agent


async def logs(database: Database) -> list[WebhookLog]:
    async with database.system() as session:
        return list((await session.scalars(select(WebhookLog).order_by(WebhookLog.attempt))).all())


async def asked(webhook: InboundWebhook, plan: CallPlan) -> CallPlan | None:
    return await webhook.settle(plan, await webhook.ask(plan))


async def test_the_question_is_signed_and_of_the_contracts_form(
    live: LiveCalls, database: Database, box: SecretBox, agent: Agent, host: UUID,
    receiver: Web, webhook: InboundWebhook,
) -> None:  # fmt: skip
    receiver.answer = says(
        {"override_model_id": "", "custom_variables": {"tier": "gold"}, "metadata": {"crm": 7}}
    )
    plan = await rung(database, live, agent, host, receiver.url("/in"), prompt="A {tier} caller.")
    settled = await asked(webhook, plan)
    (request,) = receiver.asked
    assert (request.method, request.target) == ("POST", "/in")
    assert json.loads(request.body) == {
        "event": "call_inbound",
        "call_inbound": {"model_id": str(agent.id), "from_number": "+15550199", "to_number": NUMBER},
    }
    async with database.workspace(agent.workspace_id) as session:
        secret = (await signing_of(session, box, agent.workspace_id)).secret
    expected = b64encode(digest(secret.encode(), str(plan.call_id).encode(), sha256)).decode()
    assert request.headers["synthflow-signature"] == expected
    assert settled is not None and settled.agent_id == agent.id
    assert settled.profile.prompt == "A gold caller."
    call = await stored(database, plan.call_id)
    assert (call.status, call.variables, call.inbound_metadata) == ("ringing", {"tier": "gold"}, {"crm": 7})
    (log,) = await logs(database)
    assert (log.kind, log.status, log.attempt, log.call_id) == ("inbound_webhook", "success", 1, plan.call_id)


async def test_an_empty_object_hangs_up(
    live: LiveCalls, database: Database, agent: Agent, host: UUID, receiver: Web, webhook: InboundWebhook
) -> None:
    receiver.answer = says({})
    plan = await rung(database, live, agent, host, receiver.url())
    assert await asked(webhook, plan) is None
    call = await stored(database, plan.call_id)
    assert (call.status, call.hangup_by, call.error_message) == ("canceled", "callee", None)
    assert await active(database, host) == 0


async def test_another_agent_takes_the_call_with_its_settings(
    live: LiveCalls, database: Database, agent: Agent, host: UUID, receiver: Web, webhook: InboundWebhook
) -> None:
    other = await another(database, agent.workspace_id)
    tries = {"tier": "{call_id}", "call_id": "forged", "user_phone_number": "+10000000000"}
    receiver.answer = says({"override_model_id": str(other.id), "custom_variables": tries})
    plan = await rung(database, live, agent, host, receiver.url())
    settled = await asked(webhook, plan)
    assert settled is not None and settled.agent_id == other.id
    # Variables of the system stay what they are, and what a variable holds is not filled again.
    assert settled.profile.prompt == f"You are the night desk for {{call_id}}; call {plan.call_id}."
    call = await stored(database, plan.call_id)
    assert (call.agent_id, call.timezone, call.agents_used) == (other.id, "Asia/Tokyo", [str(other.id)])


async def test_an_agent_of_another_workspace_is_none(
    live: LiveCalls, database: Database, agent: Agent, host: UUID, receiver: Web, webhook: InboundWebhook
) -> None:
    stranger = Workspace(name="Stranger")
    async with database.system() as session:
        session.add(stranger)
    foreign = await another(database, stranger.id)
    receiver.answer = says({"override_model_id": str(foreign.id), "custom_variables": {"a": "b"}})
    plan = await rung(database, live, agent, host, receiver.url())
    settled = await asked(webhook, plan)
    assert settled is not None and settled.agent_id == agent.id
    assert (await stored(database, plan.call_id)).variables == {"a": "b"}
    (log,) = await logs(database)
    assert log.error is not None and "no agent of this workspace" in log.error


async def test_it_is_tried_again_and_every_try_is_logged(
    live: LiveCalls, database: Database, agent: Agent, host: UUID, receiver: Web, webhook: InboundWebhook
) -> None:
    def third(_: Asked) -> bytes:
        return says({"metadata": {}}) if len(receiver.asked) == 3 else response(503)

    receiver.answer = third
    plan = await rung(database, live, agent, host, receiver.url())
    assert await asked(webhook, plan) is not None
    assert [(log.attempt, log.answer_status) for log in await logs(database)] == [
        (1, 503),
        (2, 503),
        (3, 200),
    ]
    assert len({request.headers["webhook-id"] for request in receiver.asked}) == 1


async def test_a_request_that_was_lost_is_backed_by_another(
    live: LiveCalls, database: Database, agent: Agent, host: UUID, box: SecretBox
) -> None:
    """The first request is never answered, the second at once."""
    seen = 0
    outbound = Outbound("127.0.0.1")
    webhook = InboundWebhook(database, box, outbound, Budget(whole=30.0, patience=0.5, pause=0.01))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        if seen > 1:
            writer.write(says({"custom_variables": {"try": seen}}))
            await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        plan = await rung(database, live, agent, host, url)
        assert await asked(webhook, plan) is not None
    await outbound.close()
    assert (await stored(database, plan.call_id)).variables == {"try": 2}
    assert [(log.attempt, log.status) for log in await logs(database)] == [(1, "failed"), (2, "success")]


@pytest.mark.parametrize(
    "answer",
    [response(500), response(200, b"no json"), response(200, b"{}"), response(404), says("text")],
    ids=["fault", "no json", "no object", "not found", "text"],
)
async def test_no_answer_hangs_up_or_goes_to_the_default_agent(
    live: LiveCalls, database: Database, agent: Agent, host: UUID,
    receiver: Web, webhook: InboundWebhook, answer: bytes,
) -> None:  # fmt: skip
    receiver.answer = answer
    plan = await rung(database, live, agent, host, receiver.url())
    assert await asked(webhook, plan) is None
    assert len(receiver.asked) == PATIENT.tries
    call = await stored(database, plan.call_id)
    assert (call.status, call.end_reason) == ("failed", "error")
    assert call.error_message is not None and "default_agent_id" in call.error_message
    other = await another(database, agent.workspace_id)
    plan = await rung(database, live, agent, host, receiver.url(), default_agent_id=str(other.id))
    settled = await asked(webhook, plan)
    assert settled is not None and settled.agent_id == other.id


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (response(200, b"no json"), "the answer is no JSON"),
        (response(200, b"[" * 50_000), "the answer is no JSON"),
        (response(200, b"{}"), "the answer has no object call_inbound"),
        (says({"metadata": []}), "the answer has metadata that is no object"),
    ],
    ids=["no json", "deep", "no object", "metadata"],
)
async def test_an_answer_that_cannot_be_read_is_logged_as_a_failure_and_why(
    live: LiveCalls, database: Database, agent: Agent, host: UUID,
    receiver: Web, webhook: InboundWebhook, answer: bytes, why: str,
) -> None:  # fmt: skip
    receiver.answer = answer
    other = await another(database, agent.workspace_id)
    plan = await rung(database, live, agent, host, receiver.url(), default_agent_id=str(other.id))
    settled = await asked(webhook, plan)
    assert settled is not None and settled.agent_id == other.id
    told = {(log.status, log.answer_status, log.error) for log in await logs(database)}
    assert told == {("failed", 200, why)}


async def test_the_time_is_bounded(database: Database, box: SecretBox, agent: Agent, live: LiveCalls, host: UUID,
                                   receiver: Web) -> None:  # fmt: skip
    receiver.answer = None
    outbound = Outbound("127.0.0.1")
    short = InboundWebhook(database, box, outbound, Budget(whole=0.3, patience=0.05, pause=0.01))
    plan = await rung(database, live, agent, host, receiver.url())
    answered = await short.ask(plan)
    assert answered.reply is None
    assert 1 <= len(answered.sent) <= 4
    assert all(each.answer is None and each.error for each in answered.sent)
    await outbound.close()


async def test_addresses_that_are_not_public_are_not_asked(
    live: LiveCalls, database: Database, box: SecretBox, agent: Agent, host: UUID, receiver: Web
) -> None:
    outbound = Outbound()
    guarded = InboundWebhook(database, box, outbound, PATIENT)
    plan = await rung(database, live, agent, host, receiver.url())
    assert await asked(guarded, plan) is None
    assert receiver.asked == []
    await outbound.close()


async def test_an_announced_call_is_not_asked_about(
    live: LiveCalls, database: Database, agent: Agent, host: UUID
) -> None:
    await rung(database, live, agent, host, "https://example.com/")
    call_id = uuid4()
    async with database.workspace(agent.workspace_id) as session:
        session.add(
            Call(
                id=call_id,
                workspace_id=agent.workspace_id,
                agent_id=agent.id,
                direction="inbound",
                status="registered",
            )
        )
    plan = await live.open_inbound(
        dialled=NUMBER, caller="+15550199", host=host, sip_call_id="x", headers={"X-EI": str(call_id)}
    )
    assert (plan.call_id, plan.ask_first) == (call_id, "")


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ({"call_inbound": {}}, Reply(decline=True)),
        ({"call_inbound": {"override_model_id": None}}, Reply()),
        ({"call_inbound": {"custom_variables": [{"key": "a", "value": "b"}]}}, Reply(variables={"a": "b"})),
        ({"call_inbound": {"metadata": {}}, "more": 1}, Reply(metadata={})),
    ],
    ids=["decline", "keep", "pairs", "metadata"],
)
def test_replies(body: Any, reply: Reply) -> None:
    assert reply_of(json.dumps(body).encode()) == reply


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"call_inbound": null}', b'{"call_inbound": {"custom_variables": 3}}',
     b'{"call_inbound": {"metadata": []}}', b'{"call_inbound": {"metadata": {"a": "\\u0000"}}}', b"[" * 5000],
    ids=["nothing", "list", "null", "number", "metadata", "nul", "deep"],
)  # fmt: skip
def test_what_is_no_reply(body: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        reply_of(body)
