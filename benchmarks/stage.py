"""What the benches of calls stand on: a platform whose voice process is kept on core 0, scripted providers, and the
measuring callers on core 1."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from benchmarks.figures import percentile
from benchmarks.platform import Running, cpu_seconds, platform
from benchmarks.speech import QUESTIONS, utterances
from benchmarks.streams import StreamCaller
from benchmarks.wire import CueKind, Step, WireCaller, WireLog
from trunkline.voice.scripted.script import Script
from trunkline.voice.scripted.server import ScriptedServer

WAIT_MS = 200
"""Patience `low`: the silence after which a complete turn is taken."""
REPLY = "We are open from nine to five on weekdays."
STATEMENT = "I would like an appointment."
"""Words that leave a doubt, so that the turn model is asked."""
VOICE_CORE, OTHER_CORE = 0, 1
_VOID_SHARE = 0.7
"""Of its core: a measuring caller that works harder than this measures itself."""


@dataclass(frozen=True)
class Result:
    """What one run of many calls gave."""

    logs: list[WireLog]
    late_ms: list[float]
    caller_share: float
    """Of a core, taken by the measuring callers and the scripted providers."""
    voice_share: float
    """Of a core, taken by the voice process and what it started."""

    @property
    def load(self) -> str:
        """For `how`."""
        void = "VOID: " if self.caller_share > _VOID_SHARE else ""
        return (
            f"{void}voice process {self.voice_share:.0%} of core {VOICE_CORE}, measuring side {self.caller_share:.0%} of "
            f"core {OTHER_CORE} (late p99 {percentile(self.late_ms, 0.99):.1f} ms)"
        )


def script(llm_ms: float, tts_ms: float, reply: str = REPLY, heard: Sequence[str] = ()) -> Script:
    """What the providers do. `heard`: the words of one utterance after another; else a statement and a question."""
    texts = tuple(heard) or (STATEMENT, QUESTIONS[0])
    return Script.model_validate(
        {
            "llm": {"first_ms": llm_ms, "token_ms": 0, "default": reply},
            "stt": {"first_ms": 0, "texts": texts * (4000 // len(texts))},
            "tts": {"first_ms": tts_ms},
        }
    )


def questions(sounds: Sequence[bytes], count: int, pause_ms: int) -> list[Step]:
    """Ask, wait for the answer and some silence, ask again; hang up after the last answer."""
    steps = [Step(CueKind.AFTER, pause_ms, sounds[index % len(sounds)]) for index in range(count)]
    return [*steps, Step(CueKind.AFTER, pause_ms)]


class Stage:
    """A platform and those who call it."""

    def __init__(self, up: Running, server: ScriptedServer) -> None:
        self.up = up
        self.server = server
        self.voice = up.processes()["voice"]
        up.pin(self.voice, VOICE_CORE)

    @cached_property
    def sounds(self) -> list[bytes]:
        """Spoken questions."""
        return utterances()

    def agent(self, number: str, recording: bool = True) -> str:
        """An agent with little patience and a short greeting."""
        return self.up.agent(number, recording=recording, patience_level="low", greeting_message="Hello.")

    def stream_url(self, model_id: str) -> str:
        """Where Twilio would open a stream for an agent."""
        line = self.up.api.get(f"/trunkline/v1/lines/twilio/{model_id}").raise_for_status().json()["response"]
        return f"{line['url'].partition('?')[0]}?token={line['token']}"

    def sip(self, number: str, scripts: Sequence[Sequence[Step]], seconds: float, spread: float) -> Result:
        """Calls over SIP, one each `spread` seconds."""
        caller = WireCaller(seed=7)
        # The first call of a list starts last, so that order of dialling says nothing about order in the record.
        calls = [
            caller.call(
                self.up.dial(number),
                steps,
                after_s=(len(scripts) - index) * spread,
                caller=f"+1555{index:07d}",
            )
            for index, steps in enumerate(scripts)
        ]
        try:
            voice, callers = self._watched(lambda: caller.run(seconds))
        finally:
            caller.close()
        return Result([call.log for call in calls], [ns / 1e6 for ns in caller.late_ns], callers, voice)

    def streams(self, url: str, scripts: Sequence[Sequence[Step]], seconds: float, spread: float) -> Result:
        """Calls over Twilio's wire, one each `spread` seconds."""
        caller = StreamCaller(seed=7)
        calls = [caller.call(url, steps, index * spread) for index, steps in enumerate(scripts)]
        voice, callers = self._watched(lambda: caller.run(seconds))
        return Result([call.log for call in calls], [ns / 1e6 for ns in caller.late_ns], callers, voice)

    def _watched(self, run: Callable[[], None]) -> tuple[float, float]:
        """Do it; the share of a core that the voice process took meanwhile, and that this one did."""
        self.up.pin(self.voice, VOICE_CORE)
        before, own, began = cpu_seconds(self.voice), time.process_time(), time.monotonic()
        run()
        elapsed = time.monotonic() - began
        return (cpu_seconds(self.voice) - before) / elapsed, (time.process_time() - own) / elapsed


@contextmanager
def stage(capacity: int = 500, providers: Script | None = None) -> Iterator[Stage]:
    """A platform for calls at once, with scripted providers; this process keeps to the other core from now on."""
    os.sched_setaffinity(0, {OTHER_CORE} if (os.cpu_count() or 1) > 1 else {VOICE_CORE})
    with ScriptedServer(providers) as server:
        endpoints = {f"TRUNKLINE_{part}_BASE_URL": server.base_url for part in ("LLM", "STT", "TTS")}
        with platform({**endpoints, "TRUNKLINE_MAX_CALLS": str(capacity)}) as up:
            yield Stage(up, server)
