"""The level `line`: a real SIP call from a caller of ours to a platform that runs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2

from trunkline.errors import BadInput, SetupError, Unavailable
from trunkline.host.beat import Beat
from trunkline.resources.calls.announced import HEADER
from trunkline.resources.calls.status import FINAL
from trunkline.resources.simulations.cast import Cast
from trunkline.resources.simulations.mocks import MockedTools
from trunkline.resources.simulations.persona import Persona
from trunkline.resources.simulations.text_level import OnEvent
from trunkline.resources.simulations.trials import Observed
from trunkline.resources.simulations.voice_call import RATE, VoiceCall
from trunkline.resources.simulations.voice_level import Side
from trunkline.roles import ports
from trunkline.roles.demo.director import Access
from trunkline.roles.simulate.from_call import notes_of
from trunkline.roles.simulate.line_caller import LineCaller
from trunkline.voice.conversation.events import Kind, Note
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.lines.line import IncomingCall, Trunk
from trunkline.voice.lines.sip import SipEngine
from trunkline.voice.speech.ports import VoiceActivity

CALLER, CALLED = "+12025550187", "+12025550142"
"""202-555-01xx is reserved for fiction."""
_RING_SECONDS = 30.0
_CALL_SECONDS = 1800.0
_RECORD_SECONDS = 30.0
_LOOK_EVERY = 0.2


class Platform:
    """The API of a platform that runs, and callers of ours."""

    def __init__(self, access: Access, api: httpx2.AsyncClient, engine: SipEngine, beat: Beat) -> None:
        self._access = access
        self._api = api
        self.engine = engine
        self.beat = beat

    @classmethod
    @asynccontextmanager
    async def of(cls, access: Access, vad: VoiceActivity) -> AsyncIterator["Platform"]:
        """For as long as a run goes on. Raises PortTaken, SetupError."""
        headers = {"Authorization": f"Bearer {access.key}"}
        engine = SipEngine(bind="127.0.0.1", port=ports.free_sip_port(), codecs=("pcmu",))
        beat = Beat(vad, asyncio.get_running_loop())
        async with httpx2.AsyncClient(
            base_url=access.api_url, headers=headers, trust_env=False, timeout=_RECORD_SECONDS
        ) as api:
            await engine.start(_refuse)
            beat.start()
            try:
                yield cls(access, api, engine, beat)
            finally:
                await beat.stop()
                await engine.stop()

    async def dial(self, call_id: str) -> Any:
        """A line to the platform, for a call that it expects. Raises DialFailed."""
        trunk = Trunk(host=self._access.sip_address, caller_id=CALLER)
        target = f"sip:{CALLED}@{self._access.sip_address}"
        return await self.engine.dial(target, trunk, {HEADER: call_id}, _RING_SECONDS)

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

    async def announce(self, agent_id: str, variables: dict[str, Any]) -> str:
        """The id of a call that will come."""
        body = {
            "model_id": agent_id,
            "from_number": CALLER,
            "to_number": CALLED,
            "custom_variables": variables,
        }
        return str((await self.json("POST", "/v2/prepare_inbound", json=body))["synthflow_call_id"])

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
                f"the API at {self._access.api_url} does not answer ({type(error).__name__}); run `trunkline doctor`"
            ) from error
        if answer.is_error:
            raise SetupError(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        body: dict[str, Any] = answer.json()
        return body


class OnLine:
    """Fulfils trials.Play: the level line."""

    def __init__(
        self, platform: Platform, agent_id: str, side: Side, on_event: OnEvent | None = None
    ) -> None:
        """`side`: what the persona hears, speaks and thinks with; `on_event` is told what it said and heard."""
        self._platform = platform
        self._agent_id = agent_id
        self._side = side
        self._on_event = on_event

    async def __call__(
        self, agent: Profile, persona: Persona, mocks: MockedTools, max_turns: int, seed: int, calls: bool
    ) -> Observed:
        if not calls or persona.recorded is not None:
            raise BadInput(
                "At the level line the persona is the one who calls; use voice for agents that call."
            )
        cast = await Cast.of(persona, agent, self._side.tts, seed, calls=True, rate=RATE)
        call_id = await self._platform.announce(self._agent_id, dict(agent.variables))
        line = await self._platform.dial(call_id)
        caller = LineCaller(line, cast, self._side, self._platform.beat, max_turns, self._on_event)
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                sound = await caller.talk()
        except TimeoutError:
            raise Unavailable(f"The call was not over after {_CALL_SECONDS:.0f} s.") from None
        notes = await self._platform.notes(call_id)
        ended = [note.data["reason"] for note in notes if note.kind == Kind.ENDED.value]
        length = max((note.at_ms for note in notes), default=0)
        talk = VoiceCall(tuple(notes), tuple(caller.notes), sound, length, ended[0] if ended else "")
        happened = replace(talk.happenings, variables=None, state=None)
        return Observed(happened, tuple(talk.ledger), talk.wav())


async def _refuse(call: IncomingCall) -> None:
    await call.line.hang_up()
