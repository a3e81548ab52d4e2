"""The director against an API that is played: sets up once, follows the call's events, reads its record."""

import io
import json
from collections.abc import Callable

import httpx2
import pytest
from rich.console import Console

from trunkline.errors import NotAuthorised, Unavailable
from trunkline.roles.demo import script
from trunkline.roles.demo.director import Access, Director

Answer = Callable[[httpx2.Request], httpx2.Response]
ACCESS = Access("http://127.0.0.1:8000", "127.0.0.1:5060", "sk_test")


class Api:
    """The few operations of the public API that the demo uses, in memory."""

    def __init__(self) -> None:
        self.agents: list[str] = []
        self.numbers: list[str] = []
        self.attached: list[str] = []
        self.updates = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        match request.method, request.url.path.removeprefix("/v2/").split("/"):
            case "GET", ["assistants"]:
                listed = [{"model_id": each, "name": script.AGENT["name"]} for each in self.agents]
                return ok({"assistants": listed})
            case "POST", ["assistants"]:
                self.agents.append("agent-1")
                return ok({"model_id": "agent-1"})
            case "PUT", ["assistants", _]:
                self.updates += 1
                return ok({})
            case "GET", ["assistants", _]:
                slugs = [{"slug": each.removeprefix("+")} for each in self.attached]
                return ok({"assistants": [{"attached_phone_numbers": slugs}]})
            case "GET", ["numbers", slug]:
                return httpx2.Response(200 if f"+{slug}" in self.numbers else 404, json={})
            case "POST", ["custom-numbers"]:
                body = json.loads(request.content)
                assert body["workspace_id"] == "workspace-1"
                self.numbers.append(body["phone_number"])
                return ok({})
            case "PUT", ["assistants", _, "phone_numbers"]:
                self.attached += json.loads(request.content)["phone_numbers"]
                return ok({})
            case "GET", ["", "trunkline", "v1", "workspace"]:
                return httpx2.Response(200, json={"id": "workspace-1"})
        raise AssertionError(f"{request.method} {request.url.path} is not played")


def ok(response: object) -> httpx2.Response:
    return httpx2.Response(200, json={"status": "ok", "response": response})


def director_of(api: Answer, terminal: io.StringIO | None = None) -> Director:
    return Director(ACCESS, Console(file=terminal or io.StringIO()), httpx2.MockTransport(api))


async def test_agent_and_number_are_made_once() -> None:
    api = Api()
    assert await director_of(api).agent() == "agent-1"
    assert await director_of(api).agent() == "agent-1"
    assert api.agents == ["agent-1"]
    assert api.numbers == api.attached == [script.NUMBER]
    assert api.updates == 1


async def test_a_key_that_is_refused_says_what_to_do() -> None:
    with pytest.raises(NotAuthorised, match="trunkline keys create"):
        await director_of(lambda _: httpx2.Response(401, json={})).agent()


async def test_an_api_that_is_away_says_what_to_do() -> None:
    def away(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    with pytest.raises(Unavailable, match="trunkline doctor"):
        await director_of(away).agent()


async def test_events_are_shown_once_though_each_stream_begins_anew() -> None:
    said = [
        {"at_ms": 0, "kind": "agent_said", "data": {"text": "one"}},
        {"at_ms": 900, "kind": "caller_said", "data": {"text": "two"}},
    ]
    bodies = [stream(said[:1]) + "retry: 1000\n\n", stream(said) + "event: end\ndata: {}\n\n"]
    terminal = io.StringIO()
    director = director_of(lambda _: httpx2.Response(200, text=bodies.pop(0)), terminal)
    assert not await director.follow("call-1")
    assert await director.follow("call-1")
    assert [line.split()[1:] for line in terminal.getvalue().splitlines()] == [
        ["agent", "one"],
        ["caller", "two"],
    ]


def stream(notes: list[dict[str, object]]) -> str:
    return "".join(f"data: {json.dumps(note)}\n\n" for note in notes)
