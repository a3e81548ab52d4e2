"""Live events, ledgers and recordings."""

import json
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.resources.api import BASE_URL, BOX, Api, serve
from tests.resources.calls.holder import Node, held
from tests.resources.calls.rows import NOON, store
from trunkline.platform.storage.database import Database
from trunkline.resources.calls.links import path_of
from trunkline.resources.calls.models import CallEvent
from trunkline.resources.calls.ranges import Span, Unsatisfiable, span_of
from trunkline.resources.workspaces.models import Workspace

NOTE = {"at_ms": 20, "kind": "started", "data": {}}
SOUND = bytes(range(256)) * 4


async def remember(api: Api, call: str) -> None:
    async with api.database.workspace(api.workspace.id) as session:
        session.add(
            CallEvent(
                call_id=UUID(call), seq=0, workspace_id=api.workspace.id, at_ms=20, kind="started", data={}
            )
        )


def events(text: str) -> list[str]:
    return [event for event in text.split("\n\n") if event]


async def test_events_come_from_the_voice_process(database: Database, workspace: Workspace) -> None:
    node = Node()
    async with serve(database, workspace, httpx2.MockTransport(node)) as api:
        call = await held(api)
        node.answer = httpx2.Response(200, content=f"data: {json.dumps(NOTE)}\n\n".encode())
        answer = await api.client.get(f"/trunkline/v1/calls/{call}/events")
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert events(answer.text) == [f"data: {json.dumps(NOTE)}", "event: end\ndata: {}"]
        (request,) = node.asked
        assert str(request.url) == f"http://127.0.0.1:1/calls/{call}/events"
        assert request.headers["X-Trunkline-Node-Token"] == BOX.node_token


@pytest.mark.parametrize("answer", [httpx2.Response(404), httpx2.ConnectError("gone")])
async def test_events_come_from_the_rows_while_the_process_is_silent(
    database: Database, workspace: Workspace, answer: Any
) -> None:
    node = Node()
    node.answer = answer
    async with serve(database, workspace, httpx2.MockTransport(node)) as api:
        call = await held(api)
        await remember(api, call)
        text = (await api.client.get(f"/trunkline/v1/calls/{call}/events")).text
        note, again = events(text)
        assert json.loads(note.removeprefix("data: ")) == NOTE
        assert again == "retry: 1000"  # not over: a browser comes back


async def test_events_of_a_call_that_is_over(api: Api) -> None:
    call = await held(api, status="completed")
    await remember(api, call)
    note, end = events((await api.client.get(f"/trunkline/v1/calls/{call}/events")).text)
    assert json.loads(note.removeprefix("data: ")) == NOTE
    assert end == "event: end\ndata: {}"


async def test_the_ledger(api: Api) -> None:
    turns = [{"turn": 1, "heard_gap_ms": 900}]
    call = await store(api, await api.agent(), ledger=turns, models=["m"], inbound_metadata={"crm": 7})
    body = await api.send("GET", f"/trunkline/v1/calls/{call}/ledger")
    assert body == {
        "status": "ok",
        "response": {"turns": turns, "models": ["m"], "inbound_metadata": {"crm": 7}},
    }


# ---- recordings ----------------------------------------------------------------------------------------


async def recorded(api: Api) -> str:
    """The path and query of a recording's link, as `GET /v2/calls/{id}` gives it."""
    await api.blobs.put("calls/x.wav", SOUND)
    call = await store(api, await api.agent(), recording_key="calls/x.wav", recording_s=1.0, ended_at=NOON)
    (shown,) = (await api.send("GET", f"/v2/calls/{call}"))["response"]["calls"]
    return str(shown["recording_url"]).removeprefix(BASE_URL)


async def test_a_recording_needs_no_key(api: Api) -> None:
    url = await recorded(api)
    answer = await api.client.get(url, headers={"Authorization": ""})
    assert answer.status_code == 200
    assert answer.content == SOUND
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(SOUND))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-3", 0, 4), ("bytes=1000-", 1000, 1024), ("bytes=-4", 1020, 1024), ("bytes=5-9999", 5, 1024)],
)
async def test_a_part_of_a_recording(api: Api, asked: str, start: int, end: int) -> None:
    answer = await api.client.get(await recorded(api), headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == SOUND[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/1024"
    assert answer.headers["content-length"] == str(end - start)


async def test_a_part_that_is_not_there(api: Api) -> None:
    answer = await api.client.get(await recorded(api), headers={"Range": "bytes=1024-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */1024"


async def test_links_that_are_changed_expired_or_incomplete(api: Api) -> None:
    url = await recorded(api)
    await api.refused("GET", url[:-1] + ("0" if url[-1] != "0" else "1"), 403)
    other = url.replace(url.split("/")[4].split("?")[0], str(uuid4()))
    await api.refused("GET", other, 403)
    call = url.split("/")[4].split("?")[0]
    await api.refused("GET", BOX.sign_link(path_of(call), -1), 403)
    assert "signature" in await api.refused("GET", url.split("&signature")[0])


async def test_a_call_without_a_recording(api: Api) -> None:
    call = await store(api, await api.agent())
    await api.refused("GET", BOX.sign_link(path_of(call), 60), 404)
    await api.refused("GET", BOX.sign_link(path_of("x"), 60), 404)


@pytest.mark.parametrize("header", [None, "bytes=-", "bytes=9-3", "lines=0-3", "bytes=0-3,5-6", "nonsense"])
def test_ranges_that_are_none(header: str | None) -> None:
    assert span_of(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_ranges_outside(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        span_of(header, 10)


def test_ranges_at_the_end() -> None:
    assert span_of("bytes=9-9", 10) == Span(9, 10)
    assert span_of("bytes=-99", 10) == Span(0, 10)
