"""`trunkline simulate from-call`: a recorded call, read over the API, becomes a case in YAML."""

import json
from typing import Any

import httpx2
import yaml

from trunkline.errors import BadInput, NotAuthorised, NotFound, Unavailable
from trunkline.resources.calls.status import FINAL
from trunkline.resources.simulations.from_call import case_of
from trunkline.roles.demo.director import Access
from trunkline.voice.conversation.events import Note

_WIDTH = 110
_READ_SECONDS = 30.0


async def from_call(access: Access, call_id: str, transport: httpx2.AsyncBaseTransport | None = None) -> str:
    """The case, to be put into a suite's `cases`. Raises NotFound, BadInput, NotAuthorised, Unavailable."""
    headers = {"Authorization": f"Bearer {access.key}"}
    async with httpx2.AsyncClient(
        base_url=access.api_url, headers=headers, trust_env=False, timeout=_READ_SECONDS, transport=transport
    ) as api:
        try:
            answer = _checked(await api.get(f"/v2/calls/{call_id}"), call_id)
            call = answer.json()["response"]["calls"][0]
            if call["call_status"] not in FINAL:
                raise BadInput(f"the call {call_id} is not over; try again when it is")
            events = _checked(await api.get(f"/trunkline/v1/calls/{call_id}/events"), call_id).text
        except httpx2.TransportError as error:
            raise Unavailable(
                f"the API at {access.api_url} does not answer ({type(error).__name__}); run `trunkline doctor`"
            ) from error
    name = f"{call.get('name') or 'Call'} of {call_id[:8]}"
    case = case_of(name, notes_of(events), call.get("prompt_variables") or {})
    text: str = yaml.safe_dump([case], sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text


def notes_of(events: str) -> list[Note]:
    """What a stream of a call's events told."""
    data = [line.removeprefix("data:") for line in events.splitlines() if line.startswith("data:")]
    told: list[dict[str, Any]] = [json.loads(each) for each in data]
    return [
        Note(int(each["at_ms"]), str(each["kind"]), dict(each["data"])) for each in told if "kind" in each
    ]


def _checked(answer: httpx2.Response, call_id: str) -> httpx2.Response:
    if answer.status_code == httpx2.codes.UNAUTHORIZED:
        raise NotAuthorised("the API key is refused; set TRUNKLINE_API_KEY to one that works")
    if answer.status_code == httpx2.codes.NOT_FOUND:
        raise NotFound(f"there is no call {call_id} in this workspace")
    if answer.is_error:
        raise BadInput(f"the API answered {answer.status_code}: {answer.text[:300]}")
    return answer
