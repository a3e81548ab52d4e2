"""A simulated call with sound: agent and persona on the two ends of a line in memory, on one tick clock.

What the persona says goes through its room (noise, coughs), the codec and the network to the agent's ears, as fast as
the parts of speech give it; the same seed and the same answers give the same notes and the same sound to the byte.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trunkline.resources.simulations.cast import Cast, drawn
from trunkline.resources.simulations.persona import Persona
from trunkline.resources.simulations.voice_call import RATE, VoiceCall, stereo
from trunkline.voice.conversation.events import TICK_MS, Event, Kind, Note, Request
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.conversation.session import Session
from trunkline.voice.driver import job
from trunkline.voice.driver.budgets import Budgets
from trunkline.voice.driver.latency import Latency, Pace, SeededLatency
from trunkline.voice.driver.ports import RunTool, ToolAnswer
from trunkline.voice.driver.ticked import Talk, TickDriver, run
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.lines.loopback import Impairments, Loopback
from trunkline.voice.speech.ports import SpeechToText, TextToSpeech, TurnModel, VoiceActivity

MOST_SECONDS = 1800.0
_PATIENT = Budgets(
    words=600.0,
    final_words=600.0,
    verdict=600.0,
    first_token=600.0,
    next_token=600.0,
    reply=3600.0,
    first_sound=600.0,
    next_sound=600.0,
    sentence=3600.0,
)
"""On the tick clock slow parts cost time and are no fault."""
_AT_ONCE: Mapping[job.Kind, Pace] = {kind: Pace((0, 0)) for kind in job.Kind if kind is not job.Kind.HEARING}
_LINGER_MS = 4000
"""After a transfer the agent may say one thing more, and has so long for it."""


@dataclass(frozen=True)
class Side:
    """What one end of the call hears, speaks and thinks with."""

    stt: SpeechToText
    tts: TextToSpeech
    llm: LanguageModel
    turn: TurnModel


async def no_tools(name: str, arguments: dict[str, Any]) -> ToolAnswer:
    """For an agent without tools, and for personas: nothing is run."""
    return ToolAnswer(f"There is no {name} here.", ok=False)


async def call(
    agent: Profile,
    persona: Persona,
    *,
    ours: Side,
    theirs: Side,
    vad: VoiceActivity,
    seed: int,
    persona_calls: bool = True,
    run_tool: RunTool = no_tools,
    on_note: Callable[[Note], None] | None = None,
    latency: Callable[[str], Latency] | None = None,
    transferred: Callable[[], bool] = lambda: False,
    most_turns: int | None = None,
    most_seconds: float = MOST_SECONDS,
) -> VoiceCall:
    """A whole call. `ours`: the agent's parts, `theirs`: the persona's.

    `run_tool` gives what the agent's tools give; nothing else of the world is touched. `on_note` is told what the
    agent notes, as it happens. `latency`: how long the parts of `agent` and `persona` take, drawn from the seed where
    it is not given. `transferred`: the caller has been passed on, so that the call ends here. `most_turns`: the agent
    speaks so often. Raises ProviderError where the persona's voice failed before the call.
    """
    lines = _lines(persona, seed, persona_calls)
    clock = latency or (lambda who: SeededLatency(drawn(seed, who)))
    us = _Taped(Session(agent, RATE), on_note)
    cast = await Cast.of(persona, agent, theirs.tts, seed, persona_calls, RATE)
    them = _Taped(cast.talk)
    lines.far.microphone = cast.room.around
    pace = SeededLatency(seed, _AT_ONCE) if cast.scripted else clock("persona")
    legs = [
        _leg(us, lines.near, agent, ours, run_tool, clock("agent")),
        _leg(them, lines.far, cast.profile, theirs, no_tools, pace),
    ]
    await (lines.near if persona_calls else lines.far).answer()
    over = _Over(us, transferred, most_turns)
    length = await run(legs, vad, lines.advance, until=over, most_ms=int(most_seconds * 1000))
    return _came_of(us, them, length)


class _Taped:
    """Fulfils Talk: another, with what it heard and noted."""

    def __init__(self, talk: Talk, on_note: Callable[[Note], None] | None = None) -> None:
        self._talk = talk
        self._on_note = on_note
        self.tape = bytearray()
        self.notes: list[Note] = []
        self.turns = 0
        """How often it has spoken."""

    @property
    def ended(self) -> bool:
        return self._talk.ended

    def tick(self, frame: bytes | None, speech: float, queued: int) -> tuple[bytes, list[Request]]:
        if not self._talk.ended:
            self.tape += frame or bytes(RATE * TICK_MS // 500)
        return self._talk.tick(frame, speech, queued)

    def feed(self, event: Event) -> list[Request]:
        return self._talk.feed(event)

    def note(self, note: Note) -> None:
        self.notes.append(note)
        self.turns += note.kind == Kind.AGENT_SAID.value
        if self._on_note is not None:
            self._on_note(note)


class _Over:
    """Is the call over for us? Asked before each tick."""

    def __init__(self, us: _Taped, transferred: Callable[[], bool], most_turns: int | None) -> None:
        self._us = us
        self._transferred = transferred
        self._most_turns = most_turns
        self._turns = 0
        """That the agent had taken when the caller was passed on."""
        self._left: int | None = None
        """Ticks that it still has then."""

    def __call__(self) -> bool:
        us = self._us
        if us.ended or (self._most_turns is not None and us.turns >= self._most_turns):
            return True
        if self._left is None:
            if self._transferred():
                self._turns, self._left = us.turns, _LINGER_MS // TICK_MS
            return False
        self._left -= 1
        return us.turns > self._turns or self._left <= 0


def _came_of(us: _Taped, them: _Taped, length_ms: int) -> VoiceCall:
    ended = [note.data["reason"] for note in us.notes if note.kind == Kind.ENDED.value]
    sound = stereo(us.tape, them.tape)
    return VoiceCall(tuple(us.notes), tuple(them.notes), sound, length_ms, ended[0] if ended else "")


def _lines(persona: Persona, seed: int, persona_calls: bool) -> Loopback:
    dice = random.Random(f"{seed} call")  # noqa: S311 repeatable on purpose
    return Loopback(
        RATE,
        to_near=persona.network.impairments(dice.getrandbits(32)),
        to_far=Impairments(mulaw=persona.network.g711, seed=dice.getrandbits(32)),
        inbound=persona_calls,
    )


def _leg(
    talk: _Taped,
    line: Any,
    profile: Profile,
    side: Side,
    run_tool: RunTool,
    latency: Latency,
) -> TickDriver:
    return TickDriver(
        talk,
        line,
        profile=profile,
        stt=side.stt,
        tts=side.tts,
        llm=side.llm,
        turn=side.turn,
        run_tool=run_tool,
        on_note=talk.note,
        latency=latency,
        budgets=_PATIENT,
    )
