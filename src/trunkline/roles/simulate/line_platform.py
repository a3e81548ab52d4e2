"""The platform that runs here, over its API: agents that are there for a run alone, and calls that it expects."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from trunkline.errors import SetupError, Unavailable
from trunkline.resources.calls.status import FINAL
from trunkline.resources.simulations.callee import CALLED, CALLER, Expected
from trunkline.roles.demo.director import Access
from trunkline.roles.simulate.from_call import notes_of
from trunkline.roles.simulate.line import Phone
from trunkline.voice.conversation.events import Note
from trunkline.voice.speech.ports import VoiceActivity

_RECORD_SECONDS = 30.0
_LOOK_EVERY = 0.2


class Platform:
    """The API of a platform that runs, and callers of ours."""

    def __init__(self, access: Access, api: httpx2.AsyncClient, phone: Phone) -> None:
        self.access = access
        self.phone = phone
        self._api = api

    @classmethod
    @asynccontextmanager
    async def of(cls, access: Access, vad: VoiceActivity) -> AsyncIterator["Platform"]:
        """For as long as a run goes on.."""
        headers = {"Authorization": f"Bearer {access.key}"}
        async with (
            httpx2.AsyncClient(
                base_url=access.api_url, headers=headers, trust_env=False, timeout=_RECORD_SECONDS
            ) as api,
            Phone.ready(vad) as phone,
        ):
            yield cls(access, api, phone)

    @asynccontextmanager
    async def agent(self, wanted: Mapping[str, Any]) -> AsyncIterator[str]:
        """The id of an agent that is there for the run alone; `wanted`: the body of POST /v2/assistants."""
        body = {**wanted, "name": f"{wanted['name']} (simulation)"}
        made = await self.json("POST", "/v2/assistants", json=body)
        id_ = str(made["response"]["model_id"])
        try:
            yield id_
        finally:
            await self._api.delete(f"/v2/assistants/{id_}")

    async def notes(self, call_id: str) -> list[Note]:
        """What the platform noted of a call, once it is over. Raises Unavailable."""
        async with asyncio.timeout(_RECORD_SECONDS):
            while True:
                call = (await self.json("GET", f"/v2/calls/{call_id}"))["response"]["calls"][0]
                if call["call_status"] in FINAL:
                    break
                await asyncio.sleep(_LOOK_EVERY)
        return notes_of((await self._api.get(f"/trunkline/v1/calls/{call_id}/events")).text)

    async def json(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """What the API answers. Raises SetupError, Unavailable."""
        try:
            answer = await self._api.request(method, path, **arguments)
        except httpx2.TransportError as error:
            raise Unavailable(
                f"the API at {self.access.api_url} does not answer ({type(error).__name__}); run `trunkline doctor`"
            ) from error
        if answer.is_error:
            raise SetupError(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        body: dict[str, Any] = answer.json()
        return body


class ThroughApi:
    """Fulfils Callee for one agent."""

    def __init__(self, platform: Platform, agent_id: str) -> None:
        self._platform = platform
        self._agent_id = agent_id

    async def announce(self, variables: Mapping[str, Any]) -> Expected:
        """A call that will come. Raises SetupError, Unavailable."""
        body = {
            "model_id": self._agent_id,
            "from_number": CALLER,
            "to_number": CALLED,
            "custom_variables": dict(variables),
        }
        made = await self._platform.json("POST", "/v2/prepare_inbound", json=body)
        return Expected(call_id=str(made["synthflow_call_id"]), sip_address=self._platform.access.sip_address)

    async def notes(self, call_id: str) -> list[Note]:
        """What the platform noted. Raises Unavailable."""
        return await self._platform.notes(call_id)
