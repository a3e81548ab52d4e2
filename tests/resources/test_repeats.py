"""Idempotency-Key, rate limits and sizes of bodies, as a program meets them."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from fastapi.responses import StreamingResponse
from sqlalchemy import select, text, update

from tests.resources.api import Api
from trunkline.errors import BadInput
from trunkline.platform.http.context import LARGE_BODY, USUAL_BODY, keyed_router
from trunkline.platform.http.idempotency import HEADER, LEASE, REPLAYED
from trunkline.platform.http.limits import RequestLimit
from trunkline.platform.storage.models import IdempotencyKey
from trunkline.platform.storage.system import forget_idempotency_keys

AGENT = {"type": "outbound", "name": "A", "agent": {"prompt": "Help."}}


async def create(api: Api, key: str, **changes: Any) -> httpx2.Response:
    return await api.client.post("/v2/assistants", json=AGENT | changes, headers={HEADER: key})


async def agents(api: Api) -> int:
    return int((await api.send("GET", "/v2/assistants"))["response"]["pagination"]["total_records"])


async def test_a_repeat_has_no_effect_and_the_same_answer(api: Api) -> None:
    first = await create(api, "k1")
    again = await create(api, "k1")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert again.headers[REPLAYED] == "true"
    assert REPLAYED not in first.headers
    assert await agents(api) == 1


async def test_another_request_under_the_same_key(api: Api) -> None:
    await create(api, "k1")
    description = await api.refused(
        "POST", "/v2/assistants", 422, json=AGENT | {"name": "B"}, headers={HEADER: "k1"}
    )
    assert HEADER in description
    assert (await create(api, "k2", name="B")).status_code == 200
    assert await agents(api) == 2


async def test_many_at_once_have_one_effect(api: Api) -> None:
    answers = await asyncio.gather(*(create(api, "k1") for _ in range(12)))
    done = [answer for answer in answers if answer.status_code == 200]
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.text for answer in done}) == 1
    assert await agents(api) == 1


async def test_a_first_request_that_still_runs(api: Api) -> None:
    async with api.database.workspace(api.workspace.id) as other:
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
        await other.execute(lock, {"name": f"{api.workspace.id} k1"})
        answer = await create(api, "k1")
        assert answer.status_code == 409
        assert answer.headers["Retry-After"] == "1"
    assert (await create(api, "k1")).status_code == 200


async def test_a_refused_request_may_be_mended(api: Api) -> None:
    assert (await create(api, "k1", type="nonsense")).status_code == 400
    assert (await create(api, "k1")).status_code == 200


async def test_keys_are_a_workspaces_own(api: Api, stranger: Api) -> None:
    mine, theirs = await create(api, "k1"), await create(stranger, "k1")
    assert mine.json() != theirs.json()
    assert REPLAYED not in theirs.headers


@pytest.mark.parametrize("key", [b"", b"k" * 256, "käse".encode()])
async def test_keys_that_are_none(api: Api, key: bytes) -> None:
    answer = await api.client.post("/v2/assistants", json=AGENT, headers=[(HEADER.encode(), key)])
    assert answer.status_code == 400
    assert await agents(api) == 0


async def test_answers_are_kept_sealed_and_forgotten(api: Api) -> None:
    answer = await create(api, "k1")
    async with api.database.workspace(api.workspace.id) as session:
        row = (await session.execute(select(IdempotencyKey))).scalar_one()
        assert row.answer is not None
        assert answer.json()["response"]["model_id"].encode() not in row.answer
    async with api.database.system() as session:
        await forget_idempotency_keys(session, LEASE)
    assert REPLAYED in (await create(api, "k1")).headers
    async with api.database.system() as session:
        await session.execute(update(IdempotencyKey).values(created_at=IdempotencyKey.created_at - 2 * LEASE))
        await forget_idempotency_keys(session, LEASE)
    assert REPLAYED not in (await create(api, "k1")).headers


async def test_a_number_is_imported_once(api: Api) -> None:
    body = {
        "workspace_id": str(api.workspace.id),
        "phone_number": "+14155550177",
        "termination_uri": "sip.example.com",
    }
    answers = [
        await api.client.post("/v2/custom-numbers", json=body, headers={HEADER: "k1"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    async with api.database.workspace(api.workspace.id) as session:
        row = (await session.execute(select(IdempotencyKey))).scalar_one()
        assert row.claimed_at is None  # number and answer were committed together, without a mark before


async def test_a_route_that_reaches_outside(api: Api) -> None:
    began, go, calls = asyncio.Event(), asyncio.Event(), []
    router = keyed_router("/test", "Test", None)

    @router.post("/slow")
    async def slow(body: dict[str, Any]) -> StreamingResponse:
        calls.append(body)
        began.set()
        await go.wait()
        if body.get("bad"):
            raise BadInput("no")
        return StreamingResponse(iter([b"a\n", b"b\n"]), media_type="application/x-ndjson")

    api.app.include_router(router)

    async def send(body: dict[str, Any]) -> httpx2.Response:
        return await api.client.post("/test/slow", json=body, headers={HEADER: "k1"})

    first = asyncio.create_task(send({}))
    await began.wait()
    assert (await send({})).status_code == 409
    assert (await send({"other": 1})).status_code == 422
    go.set()
    assert (await first).text == "a\nb\n"
    again = await send({})
    assert (again.text, again.headers["content-type"]) == ("a\nb\n", "application/x-ndjson")
    assert calls == [{}]

    async with api.database.system() as session:  # as a process leaves it that died at work
        await session.execute(update(IdempotencyKey).values(answer=None))
    assert (await send({})).status_code == 409
    async with api.database.system() as session:
        await session.execute(update(IdempotencyKey).values(claimed_at=IdempotencyKey.claimed_at - LEASE))
    assert (await send({})).status_code == 200
    assert len(calls) == 2

    bad = await api.client.post("/test/slow", json={"bad": True}, headers={HEADER: "k2"})
    assert bad.status_code == 400
    assert (await api.client.post("/test/slow", json={}, headers={HEADER: "k2"})).status_code == 200


async def test_a_request_that_was_cut_off_may_have_had_its_effect(api: Api) -> None:
    began = asyncio.Event()
    router = keyed_router("/test", "Test", None)

    @router.post("/endless")
    async def endless(body: dict[str, Any]) -> None:
        began.set()
        await asyncio.Event().wait()

    api.app.include_router(router)
    request = asyncio.create_task(api.client.post("/test/endless", json={}, headers={HEADER: "k1"}))
    await began.wait()
    request.cancel()
    await asyncio.wait([request])
    assert (await api.client.post("/test/endless", json={}, headers={HEADER: "k1"})).status_code == 409


async def test_requests_a_minute(api: Api) -> None:
    api.app.state.platform = replace(api.platform, limit=RequestLimit(2))
    answer = await api.client.get("/v2/assistants")
    assert answer.headers["RateLimit"].startswith('"workspace";r=1;')
    assert (
        (await api.client.get("/v2/assistants/unknown")).headers["RateLimit"].startswith('"workspace";r=0;')
    )
    answer = await api.client.get("/v2/assistants")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["RateLimit-Policy"] == '"workspace";q=2;w=60'


async def test_bodies_are_as_large_as_their_route_takes(api: Api) -> None:
    router = keyed_router("/test", "Test", None)

    @router.post("/large", openapi_extra=LARGE_BODY)
    async def large(body: dict[str, Any]) -> int:
        return len(body["text"])

    api.app.include_router(router)
    body = {"text": "x" * USUAL_BODY}
    description = await api.refused("POST", "/v2/assistants", 413, json=AGENT | {"description": body["text"]})
    assert "1 MiB" in description
    assert await api.send("POST", "/test/large", json=body) == USUAL_BODY
    most = LARGE_BODY["x-largest-body"]

    async def unannounced() -> Any:
        for _ in range(most // USUAL_BODY + 1):
            yield b" " * USUAL_BODY

    assert "16 MiB" in await api.refused("POST", "/test/large", 413, content=unannounced())


async def test_bodies_are_not_too_deep(api: Api) -> None:
    for depth in (65, 900, 50_000):
        content = (
            b'{"type":"outbound","name":"A","agent":' + b'{"prompt":' * depth + b"1" + b"}" * depth + b"}"
        )
        await api.refused("POST", "/v2/assistants", 400, content=content)
