"""`trunkline simulate from-call` over the API: what is read, and what is refused."""

import json
from typing import Any

import httpx2
import pytest
import yaml

from trunkline.errors import BadInput, NotAuthorised, NotFound
from trunkline.resources.simulations.suite_file import CaseFile
from trunkline.roles.demo.director import Access
from trunkline.roles.simulate.from_call import from_call

ACCESS = Access("http://platform", "", "key")
NOTES = [
    {"at_ms": 900, "kind": "agent_said", "data": {"text": "Hi.", "start_ms": 200, "end_ms": 900}},
    {"at_ms": 2900, "kind": "caller_said", "data": {"text": "Bye: 10:30.", "start_ms": 1500, "end_ms": 2900}},
    {"at_ms": 3000, "kind": "ended", "data": {"reason": "human_ended", "detail": ""}},
]


def platform(status: int = 200, call_status: str = "completed") -> httpx2.MockTransport:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["authorization"] == "Bearer key"
        if request.url.path == "/v2/calls/abc":
            call = {"call_status": call_status, "name": "Ann", "prompt_variables": {"day": "1"}}
            return httpx2.Response(status, json={"response": {"calls": [call]}})
        assert request.url.path == "/trunkline/v1/calls/abc/events"
        told = "".join(f"data: {json.dumps(note)}\n\n" for note in NOTES)
        return httpx2.Response(200, text=f"{told}event: end\ndata: {{}}\n\n")

    return httpx2.MockTransport(answer)


async def test_a_call_becomes_a_case() -> None:
    [case] = yaml.safe_load(await from_call(ACCESS, "abc", platform()))
    made = CaseFile.model_validate(case)
    assert made.name == "Ann of abc"
    assert [cue.say for cue in made.persona.script] == ["Bye: 10:30."]
    assert made.custom_variables == {"day": "1"}


@pytest.mark.parametrize(
    ("status", "call_status", "error"),
    [
        (401, "completed", NotAuthorised),
        (404, "completed", NotFound),
        (500, "completed", BadInput),
        (200, "in-progress", BadInput),
    ],
    ids=["no key", "no call", "fault", "not over"],
)
async def test_what_is_refused(status: int, call_status: str, error: Any) -> None:
    with pytest.raises(error):
        await from_call(ACCESS, "abc", platform(status, call_status))
