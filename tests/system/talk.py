"""What tests of the whole share: a call on the wire in the background, the record as it grows, events as they happen."""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from benchmarks.platform import Running
from benchmarks.wire import Step, WireCall, WireCaller

from benchmarks.speech import QUESTIONS
from tests.interop import sipp
from trunkline.voice.scripted import Script

ON_THE_PLATFORM = pytest.mark.models("vad", "turn")
"""Mark of tests that use the fixture `up`."""

MAX_CALLS = 8
QUESTION = QUESTIONS[0]
GREETING = "Hello there."

FAREWELL = "On Saturday we open at ten. Goodbye."
ENDING = Script.model_validate(
    {
        "llm": {"rules": [{"pattern": "saturday", "text": FAREWELL, "tools": [{"name": "end_call"}]}]},
        "stt": {"default": QUESTION},
    }
)
"""QUESTION is heard, answered with FAREWELL, and the call is ended."""

T = TypeVar("T")
_lines = itertools.count(15_550_100)


def new_number() -> str:
    """A number that no other test has."""
    return f"+1{next(_lines):010d}"


@contextmanager
def on_the_wire(
    target: str, *steps: Step, seconds: float = 30.0, calls: int = 1, headers: dict[str, str] | None = None
) -> Iterator[list[WireCall]]:
    """Calls by the measuring caller while the body runs; they have ended when it is left, at the latest after `seconds`."""
    with closing(WireCaller()) as caller, ThreadPoolExecutor(1) as pool:
        placed = [
            caller.call(target, steps, caller=f"+1999555{n:04d}", headers=headers) for n in range(calls)
        ]
        work = pool.submit(caller.run, seconds)
        yield placed
        work.result()


def until(what: Callable[[], T | None], within: float = 30.0) -> T:
    """The first answer of `what` that is not None, false or empty. Looks five times a second."""
    deadline = time.monotonic() + within
    while not (found := what()):
        assert time.monotonic() < deadline, f"{what} gave nothing within {within} s, at last {found!r}"
        time.sleep(0.2)
    return found


def record(up: Running, call_id: str) -> dict[str, Any]:
    """A call as GET /v2/calls/{id} shows it."""
    answer = up.api.get(f"/v2/calls/{call_id}")
    assert answer.status_code == httpx2.codes.OK, answer.text
    (call,) = answer.json()["response"]["calls"]
    return dict(call)


FINAL = frozenset({"completed", "failed", "busy", "no-answer", "canceled", "user-canceled"})


def finished(up: Running, call_id: str, within: float = 30.0) -> dict[str, Any]:
    """The record of a call once it is over; an API that is away meanwhile is waited for."""

    def over() -> dict[str, Any] | None:
        try:
            call = record(up, call_id)
        except (httpx2.TransportError, AssertionError):
            return None
        return call if call["call_status"] in FINAL else None

    return until(over, within)


def live_call(up: Running, model_id: str) -> str:
    """The id of the agent's call that is on."""

    def on() -> str | None:
        live = [call for call in up.calls(model_id) if call["call_status"] == "in-progress"]
        return str(live[0]["call_id"]) if live else None

    return until(on)


def events(up: Running, call_id: str) -> Iterator[dict[str, Any]]:
    """Notes of a live call as they happen, until its end."""
    with up.api.stream("GET", f"/trunkline/v1/calls/{call_id}/events", timeout=60.0) as answer:
        assert answer.status_code == httpx2.codes.OK
        for line in answer.iter_lines():
            if line == "event: end":
                return
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def lines(call: dict[str, Any]) -> list[tuple[str, str]]:
    """A transcript as who and what."""
    said = (line.partition(": ") for line in (call["transcript"] or "").strip().splitlines())
    return [(who, text) for who, _, text in said]


def place(up: Running, model_id: str, phone: str, **more: Any) -> str:
    """POST /v2/calls; the id of the call."""
    answer = up.api.post(
        "/v2/calls", json={"model_id": model_id, "phone": phone, "name": "Ann Other", **more}
    )
    assert answer.status_code == httpx2.codes.OK, answer.text
    return str(answer.json()["response"]["call_id"])


def answers(speech: bytes, folder: Path) -> str:
    """A scenario of SIPp: ring, pick up, let the greeting pass, ask, be hung up on."""
    (folder / "speech.raw").write_bytes(speech)
    ask = '<nop><action><exec rtp_stream="speech.raw,1,0"/></action></nop>'
    return sipp.ring() + sipp.pause(300) + sipp.pick_up() + sipp.pause(2500) + ask + sipp.be_hung_up()


def follow(up: Running, call_id: str, kind: str, count: int = 1) -> None:
    """Return when a live call has noted this for the `count`-th time."""
    seen = 0
    for note in events(up, call_id):
        seen += note["kind"] == kind
        if seen == count:
            return
    raise AssertionError(f"the call ended after {seen} of {count} times {kind}")


def check_unreachable(shown: dict[str, Any], host: str) -> None:
    """A call's record says that its trunk was not there."""
    assert shown["call_status"] == "failed"
    assert f"the trunk {host}" in shown["error_message"]
    assert "cannot be reached" in shown["error_message"]
