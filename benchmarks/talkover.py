"""Calls on the tick clock in which the agent speaks and the caller makes a sound at a set moment.

The conversation is the real one, with the real voice-activity model; lines are in memory and recognisers answer
after a drawn delay, so that a figure is the same on every machine.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.sounds import FRAME, Item, on_the_line, sound, spoken
from trunkline.errors import ProviderError
from trunkline.voice.conversation.events import TICK_MS, Kind, Note
from trunkline.voice.conversation.profile import GreetingMode, Profile, Tool
from trunkline.voice.conversation.session import Session, State
from trunkline.voice.driver.budgets import Budgets
from trunkline.voice.driver.latency import SeededLatency
from trunkline.voice.driver.ports import ToolAnswer
from trunkline.voice.driver.ticked import TickDriver, run
from trunkline.voice.language.ports import DonePart, Filled, ReplyPart, TextPart
from trunkline.voice.lines.loopback import Impairments, Loopback
from trunkline.voice.speech.features import floats_to_pcm
from trunkline.voice.speech.noises import RATE
from trunkline.voice.speech.ports import SpeechToText, Voice, VoiceActivity
from trunkline.voice.speech.twins import FixedTurn

_VOICED = 128
"""Mean magnitude of a frame from which it counts as voiced, as on the wire."""
_AGENT_DB = 6.0
"""Raises the local voice to what callers hear."""
AGENT_SAYS = (
    "We are open from nine to five on weekdays and from ten to two on Saturdays. On the first Sunday of the month we "
    "are open in the morning for emergencies. You can reach us by telephone at any time of the day or night."
)
_PATIENT = Budgets(words=600.0, final_words=600.0)
"""All calls are held at once: that a recogniser is busy with the others is no fault."""
_SILENT_CALL_TICKS = 350
_LEAD_TICKS, _TAIL_TICKS = 100, 200


def echoing(number: int) -> Impairments:
    """A line with our echo: -12 to -30 dB, 40 to 300 ms, coloured by its way; drawn for each number."""
    dice = np.random.default_rng(number)
    return Impairments(
        echo=10 ** (dice.uniform(-30, -12) / 20),
        echo_ms=int(dice.integers(40, 301)),
        echo_colour=0.35,
        seed=number,
    )


class CannedVoice:
    """Fulfils TextToSpeech: the local voice, made once."""

    rate = RATE

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        yield floats_to_pcm(np.clip(spoken(text) * 10 ** (_AGENT_DB / 20), -1, 1))

    async def warm(self) -> None:
        return

    async def close(self) -> None:
        return


class ShortAnswers:
    """Fulfils LanguageModel."""

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        yield TextPart("All right.")
        yield DonePart("scripted")

    async def fill(
        self, model: str, messages: Sequence[dict[str, Any]], schema: dict[str, Any], name: str
    ) -> Filled:
        raise ProviderError("nothing here fills in forms")

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        return

    async def close(self) -> None:
        return


@dataclass
class Talkover:
    """What became of one call; times in ms from the first voiced frame of the caller's sound."""

    item: Item | None
    stopped: list[float] = field(default_factory=list)
    """The agent's last frame that was not silence before each pause."""
    outcomes: list[str] = field(default_factory=list)
    """`yield` or `resume`, a pause each."""
    paused_ms: list[float] = field(default_factory=list)
    turns: list[str] = field(default_factory=list)
    """The caller's words that became a turn."""

    @property
    def taken(self) -> bool:
        """Did the caller get the floor while the agent spoke?"""
        return "yield" in self.outcomes

    @property
    def went_on(self) -> bool:
        """Did the agent say all it had to, whatever pauses it made?"""
        return not self.taken


async def _no_tool(name: str, arguments: dict[str, Any]) -> ToolAnswer:
    return ToolAnswer("")


class _Call:
    def __init__(
        self, item: Item | None, number: int, stt: SpeechToText, to_agent: Impairments, says: str
    ) -> None:
        self.item = item
        self.result = Talkover(item)
        self.lines = Loopback(RATE, to_near=to_agent)
        # Not in step with the frames: a voice begins anywhere in one.
        lead = (_LEAD_TICKS + number * 7 % 60) * FRAME + number * 37 % FRAME
        self._sound = b"" if item is None else on_the_line(item, lead, _TAIL_TICKS * FRAME)
        self._first = 0 if item is None else first_voiced(item, lead)
        self._notes: list[Note] = []
        self._states: list[State] = []
        self._last_sound = 0
        self._tick = 0
        profile = Profile(
            prompt="", greeting=says, greeting_mode=GreetingMode.AGENT_STATIC, max_duration=30.0
        )
        self.session = Session(profile, RATE)
        self.leg = TickDriver(
            self.session,
            self.lines.near,
            profile=profile,
            stt=stt,
            tts=CannedVoice(),
            llm=ShortAnswers(),
            turn=FixedTurn(0.99),
            run_tool=_no_tool,
            on_note=self._notes.append,
            latency=SeededLatency(number),
            budgets=_PATIENT,
        )

    @property
    def ticks(self) -> int:
        return len(self._sound) // (2 * FRAME) if self.item is not None else _SILENT_CALL_TICKS

    def advance(self) -> None:
        """20 ms on the wire."""
        self._watch()
        self._tick += 1
        at = (self._tick - 1) * FRAME * 2
        self.lines.far.write(self._sound[at : at + FRAME * 2].ljust(FRAME * 2, b"\0"))
        self.lines.advance()
        heard = np.frombuffer(self.lines.far.read(), "<i2")
        if heard.size and np.abs(heard).max() > 8:
            self._last_sound = self._tick

    def _watch(self) -> None:
        """The tick before has passed: has the agent just fallen silent?"""
        state = self.session.state
        if state is State.PAUSED and (not self._states or self._states[-1] is not State.PAUSED):
            self.result.stopped.append((self._last_sound - self._first) * TICK_MS)
        self._states.append(state)

    def finish(self) -> Talkover:
        for note in self._notes:
            if note.kind == Kind.BARGE_IN:
                self.result.outcomes.append(note.data["outcome"])
                self.result.paused_ms.append(note.data["paused_ms"])
            elif note.kind == Kind.CALLER_SAID:
                self.result.turns.append(note.data["text"])
        return self.result


def first_voiced(item: Item, lead: int) -> int:
    """Tick (from 1) of the first frame that is voiced by its loudness."""
    samples = np.concatenate([np.zeros(lead % FRAME, np.float32), sound(item) * 32768])
    whole = samples[: samples.size // FRAME * FRAME].reshape(-1, FRAME)
    voiced = np.flatnonzero(np.abs(whole).mean(axis=1) >= _VOICED)
    return lead // FRAME + int(voiced[0] if voiced.size else 0) + 1


async def talk_over(
    items: Sequence[Item | None],
    stt: SpeechToText,
    vad: VoiceActivity,
    to_agent: Callable[[int], Impairments] = lambda number: Impairments(),
    says: str = AGENT_SAYS,
) -> list[Talkover]:
    """One call for each, all in one batch. None: the caller says nothing. `to_agent`: what the line of a call does."""
    calls = [_Call(item, number, stt, to_agent(number), says) for number, item in enumerate(items)]
    for call in calls:
        await call.lines.near.answer()

    def advance() -> None:
        for call in calls:
            call.advance()

    longest = max(call.ticks for call in calls)
    await run([call.leg for call in calls], vad, advance, most_ms=longest * TICK_MS)
    return [call.finish() for call in calls]
