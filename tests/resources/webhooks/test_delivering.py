"""Deliveries over real connections, on the real database."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from standardwebhooks import Webhook, WebhookVerificationError
from structlog.testing import capture_logs

from tests.platform.outbound.web import Web, response, web
from trunkline.platform.outbound.client import Answer, Outbound
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.webhooks import deliveries
from trunkline.resources.webhooks.backoff import DeliveryState
from trunkline.resources.webhooks.deliveries import Wanted
from trunkline.resources.webhooks.delivering import PER_HOST, Deliverer
from trunkline.resources.webhooks.models import WebhookDelivery, WebhookLog
from trunkline.resources.webhooks.signing import signing_of
from trunkline.resources.workspaces.models import Workspace

SLOW_S = 15.0
"""An attempt may take so long on a busy machine; its pause is counted from its end."""
BODY = '{"call": {"transcript": "Grüß Gott"}}'.encode()


@pytest.fixture
def box() -> SecretBox:
    return SecretBox("a key of sixteen or more")


@pytest.fixture
async def receiver() -> AsyncIterator[Web]:
    async with web() as served:
        yield served


@asynccontextmanager
async def delivering(
    database: Database, box: SecretBox, allow: str = "127.0.0.1", **times: float
) -> AsyncIterator[Deliverer]:
    outbound = Outbound(allow)
    deliverer = Deliverer(database, outbound, box, dice=Random(1), **times)
    running = asyncio.create_task(deliverer.run())
    try:
        yield deliverer
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await outbound.close()


async def add(database: Database, workspace: Workspace, url: str, body: bytes = BODY) -> tuple[UUID, UUID]:
    """A delivery and the call that it tells of."""
    wanted = Wanted(workspace.id, "external_webhook", uuid4(), uuid4(), url, body)
    async with database.workspace(workspace.id) as session:
        assert await deliveries.add(session, [wanted]) == 1
    return wanted.id, wanted.call_id


async def until(database: Database, id_: UUID, reached: Callable[[WebhookDelivery], bool]) -> WebhookDelivery:
    """The delivery once it is so; the test's own time limit ends the wait."""
    while True:
        async with database.system() as session:
            row = await session.get_one(WebhookDelivery, id_)
        if reached(row):
            return row
        await asyncio.sleep(0.01)


def over(row: WebhookDelivery) -> bool:
    return row.state != "pending"


async def logs(database: Database) -> list[WebhookLog]:
    async with database.system() as session:
        return list((await session.scalars(select(WebhookLog).order_by(WebhookLog.attempt))).all())


async def test_a_delivery_arrives_signed_and_is_logged(
    database: Database, workspace: Workspace, box: SecretBox, receiver: Web
) -> None:
    async with delivering(database, box):
        made, call_id = await add(database, workspace, receiver.url("/hook?token=hush&a=1"))
        row = await until(database, made, over)
    assert (row.state, row.attempts, row.answer_status, row.error) == ("delivered", 1, 200, None)
    [asked] = receiver.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/hook?token=hush&a=1", BODY)
    assert asked.headers["webhook-id"] == str(made)
    async with database.workspace(workspace.id) as session:
        secret = (await signing_of(session, box, workspace.id)).secret
    Webhook(secret).verify(asked.body, asked.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(asked.body + b" ", asked.headers)
    compatible = hmac.digest(secret.encode(), str(call_id).encode(), sha256)
    assert asked.headers["synthflow-signature"] == base64.b64encode(compatible).decode()
    [log] = await logs(database)
    assert (log.kind, log.status, log.attempt, log.call_id) == ("external_webhook", "success", 1, call_id)
    assert log.request_payload == json.loads(BODY)
    assert "hush" not in log.url and log.request_query == {"token": "********", "a": "1"}
    assert (
        log.request_headers["webhook-signature"] == log.request_headers["Synthflow-Signature"] == "********"
    )


async def make_due(database: Database, id_: UUID) -> None:
    async with database.system() as session:
        await session.execute(
            update(WebhookDelivery).where(WebhookDelivery.id == id_).values(due_at=func.now())
        )


async def test_what_may_pass_is_sent_again_with_the_same_bytes_and_id(
    database: Database, workspace: Workspace, box: SecretBox, receiver: Web
) -> None:
    answers = iter([response(503), response(429, Retry_After="120"), response(200)])
    receiver.answer = lambda _: next(answers)
    async with delivering(database, box) as deliverer:
        made, _ = await add(database, workspace, receiver.url())
        first = await until(database, made, lambda row: row.answer_status == 503)
        assert 4.4 <= (first.due_at - first.attempted_at).total_seconds() <= 5.6 + SLOW_S  # type: ignore[operator]
        await make_due(database, made)
        deliverer.wake()
        second = await until(database, made, lambda row: row.answer_status == 429)
        assert 119 <= (second.due_at - second.attempted_at).total_seconds() <= 121 + SLOW_S  # type: ignore[operator]
        await make_due(database, made)
        deliverer.wake()
        row = await until(database, made, over)
    assert (row.state, row.attempts) == ("delivered", 3)
    assert len({asked.body for asked in receiver.asked}) == 1
    assert len({asked.headers["webhook-id"] for asked in receiver.asked}) == 1
    assert [log.answer_status for log in await logs(database)] == [503, 429, 200]


async def test_an_address_inside_is_not_reached_and_the_delivery_is_dead_at_once(
    database: Database, workspace: Workspace, box: SecretBox, receiver: Web
) -> None:
    async with delivering(database, box, allow=""):
        made, _ = await add(database, workspace, receiver.url("/hook"))
        row = await until(database, made, over)
    assert (row.state, row.attempts) == ("dead", 1)
    assert receiver.asked == []
    (log,) = await logs(database)
    assert (log.status, log.answer_status) == ("failed", None)
    assert log.error is not None and "not on the public Internet" in log.error


async def test_what_ends_together_is_written_together(
    database: Database, workspace: Workspace, box: SecretBox, receiver: Web
) -> None:
    receiver.answer = lambda asked: response(200 if asked.target < "/5" else 400)
    made = [(await add(database, workspace, receiver.url(f"/{n}")))[0] for n in range(10)]
    async with delivering(database, box):
        rows = [await until(database, each, over) for each in made]
    assert [row.state for row in rows] == ["delivered"] * 5 + ["dead"] * 5
    assert sorted(asked.target for asked in receiver.asked) == [f"/{n}" for n in range(10)]
    assert {log.attempt for log in await logs(database)} == {1}


@pytest.mark.parametrize("ticks", range(5))
async def test_a_deliverer_that_is_woken_while_it_is_stopped_stops(
    database: Database, box: SecretBox, monkeypatch: pytest.MonkeyPatch, ticks: int
) -> None:
    async def nothing_is_due(_: Deliverer) -> None:
        pass

    monkeypatch.setattr(Deliverer, "_send_due", nothing_is_due)
    deliverer = Deliverer(database, Outbound(), box)
    running = asyncio.create_task(deliverer.run())
    for _ in range(10):
        await asyncio.sleep(0)
    deliverer.wake()
    for _ in range(ticks):
        await asyncio.sleep(0)
    running.cancel()
    ended, _ = await asyncio.wait({running}, timeout=5)
    assert ended and running.cancelled()


async def test_what_nobody_foresaw_costs_one_delivery_its_lease_and_the_others_nothing(
    database: Database, workspace: Workspace, box: SecretBox, receiver: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Outbound.send
    failed: list[str] = []

    async def broken(self: Outbound, method: str, url: str, **rest: Any) -> Answer:
        if url.endswith("/bad") and not failed:
            failed.append(url)
            raise ZeroDivisionError
        return await send(self, method, url, **rest)

    monkeypatch.setattr(Outbound, "send", broken)
    with capture_logs() as logged:
        async with delivering(database, box, lease_s=1.0):
            bad, _ = await add(database, workspace, receiver.url("/bad"))
            good, _ = await add(database, workspace, receiver.url("/good"))
            assert (await until(database, good, over)).state == "delivered"
            assert (await until(database, bad, over)).attempts >= 2  # a slow machine needs another lease
    errors = [each for each in logged if each["event"] == "delivery_attempt_failed"]
    assert [each["delivery"] for each in errors] == [str(bad)]


async def test_a_lease_that_ends_alone_makes_another_attempt_and_the_late_result_is_nobodys(
    database: Database, workspace: Workspace, box: SecretBox, receiver: Web
) -> None:
    made, _ = await add(database, workspace, receiver.url())
    async with database.system() as session:
        [dead] = await deliveries.claim(session, 1, 1, {}, timedelta(milliseconds=300))
    async with delivering(database, box):
        row = await until(database, made, over)
    assert (row.state, row.attempts, len(receiver.asked)) == ("delivered", 2, 1)
    late = deliveries.Result(
        dead.id, dead.attempts, DeliveryState.DEAD, datetime.now(UTC), datetime.now(UTC), 500, "late"
    )
    async with database.system() as session:
        await deliveries.settle(session, [late])
    assert (await until(database, made, over)).state == "delivered"


async def test_a_dead_host_takes_its_own_places_only(
    database: Database, workspace: Workspace, box: SecretBox, receiver: Web
) -> None:
    async with web() as dead:
        dead.answer = None
        for n in range(PER_HOST + 10):
            await add(database, workspace, dead.url(f"/{n}"))
        async with delivering(database, box, within_s=3.0):
            while len(dead.asked) < PER_HOST:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            made = [(await add(database, workspace, receiver.url(f"/{n}")))[0] for n in range(10)]
            rows = [await until(database, each, over) for each in made]
            assert [(row.state, row.attempts) for row in rows] == [("delivered", 1)] * 10
