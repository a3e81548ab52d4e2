"""The level `line`: a real SIP call from a caller of ours to a platform that runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from trunkline.errors import BadInput, Unavailable
from trunkline.host.beat import Beat
from trunkline.resources.calls.announced import HEADER
from trunkline.resources.simulations.callee import CALLED, CALLER, Callee, Expected
from trunkline.resources.simulations.cast import Cast
from trunkline.resources.simulations.mocks import MockedTools
from trunkline.resources.simulations.persona import Persona
from trunkline.resources.simulations.text_level import OnEvent
from trunkline.resources.simulations.trials import Observed
from trunkline.resources.simulations.voice_call import RATE, VoiceCall
from trunkline.resources.simulations.voice_level import Side
from trunkline.roles import ports
from trunkline.roles.simulate.line_caller import LineCaller
from trunkline.voice.conversation.events import Kind
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.lines.line import IncomingCall, Line, Trunk
from trunkline.voice.lines.sip import SipEngine
from trunkline.voice.speech.ports import VoiceActivity

_RING_SECONDS = 30.0
_CALL_SECONDS = 1800.0


class Phone:
    """What callers of ours dial with. One a process; the first call decides from which address all of them come."""

    def __init__(self, beat: Beat) -> None:
        self.beat = beat
        self._engine: SipEngine | None = None
        self._opening = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def ready(cls, vad: VoiceActivity) -> AsyncIterator["Phone"]:
        """For as long as there are calls."""
        phone = cls(Beat(vad, asyncio.get_running_loop()))
        phone.beat.start()
        try:
            yield phone
        finally:
            await phone.beat.stop()
            if phone._engine is not None:
                await phone._engine.stop()

    async def dial(self, expected: Expected) -> Line:
        """A line to the platform, for a call that it expects. Raises DialFailed, PortTaken, SetupError."""
        engine = await self._opened(expected.sip_address.rpartition(":")[0].strip("[]"))
        trunk = Trunk(host=expected.sip_address, caller_id=CALLER)
        target = f"sip:{CALLED}@{expected.sip_address}"
        return await engine.dial(target, trunk, {HEADER: expected.call_id}, _RING_SECONDS)

    async def _opened(self, host: str) -> SipEngine:
        """On our address towards this host, and a free port."""
        async with self._opening:
            if self._engine is None:
                bind = ports.address_towards(host)
                engine = SipEngine(bind=bind, port=ports.free_sip_port(bind), codecs=("pcmu",))
                await engine.start(_refuse)
                self._engine = engine
            return self._engine


class OnLine:
    """Fulfils trials.Play: the level line."""

    def __init__(self, phone: Phone, callee: Callee, side: Side, on_event: OnEvent | None = None) -> None:
        """`side`: what the persona hears, speaks and thinks with; `on_event` is told what it said and heard."""
        self._phone = phone
        self._callee = callee
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
        expected = await self._callee.announce(agent.variables)
        line = await self._phone.dial(expected)
        caller = LineCaller(line, cast, self._side, self._phone.beat, max_turns, self._on_event)
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                sound = await caller.talk()
        except TimeoutError:
            raise Unavailable(f"The call was not over after {_CALL_SECONDS:.0f} s.") from None
        notes = await self._callee.notes(expected.call_id)
        ended = [note.data["reason"] for note in notes if note.kind == Kind.ENDED.value]
        length = max((note.at_ms for note in notes), default=0)
        talk = VoiceCall(tuple(notes), tuple(caller.notes), sound, length, ended[0] if ended else "")
        happened = replace(talk.happenings, variables=None, state=None)
        return Observed(happened, tuple(talk.ledger), talk.wav())


async def _refuse(call: IncomingCall) -> None:
    await call.line.hang_up()
