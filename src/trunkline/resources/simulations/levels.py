"""The levels of a simulation, each a way to make the call of a trial."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from trunkline.resources.simulations import voice_level
from trunkline.resources.simulations.cast import drawn
from trunkline.resources.simulations.happenings import Called, Said
from trunkline.resources.simulations.mocks import MockedTools
from trunkline.resources.simulations.persona import Persona
from trunkline.resources.simulations.text_level import CUT_OFF, OnEvent
from trunkline.resources.simulations.trials import Observed
from trunkline.resources.simulations.voice_level import Side
from trunkline.voice.conversation.events import EndReason, Kind, Note
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.driver import job
from trunkline.voice.driver.latency import PACES, AnsweredLatency, Latency, Pace, SeededLatency
from trunkline.voice.speech.ports import VoiceActivity


@dataclass(frozen=True)
class VoiceParts:
    """What both ends of a call with sound work with."""

    ours: Side
    theirs: Side
    vad: VoiceActivity
    measured: bool = False
    """What the parts took counts, as their kept answers tell; otherwise it is drawn from the seed."""
    paces: Mapping[job.Kind, Pace] = field(default_factory=lambda: PACES)
    """From what it is drawn."""
    thinking_deadline: float = Profile.thinking_deadline


class InVoice:
    """Fulfils trials.Play: the level voice."""

    def __init__(self, parts: VoiceParts, on_event: OnEvent | None = None) -> None:
        self._parts = parts
        self._on_event = on_event

    async def __call__(
        self, agent: Profile, persona: Persona, mocks: MockedTools, max_turns: int, seed: int, calls: bool
    ) -> Observed:
        parts = self._parts
        talk = await voice_level.call(
            replace(agent, thinking_deadline=parts.thinking_deadline),
            persona,
            ours=parts.ours,
            theirs=parts.theirs,
            vad=parts.vad,
            seed=seed,
            persona_calls=calls,
            run_tool=mocks.run,
            on_note=_told(self._on_event),
            latency=_clock(parts, seed),
            transferred=lambda: bool(mocks.transfers),
            most_turns=max_turns,
        )
        happened = talk.happenings
        passed_on = EndReason.TRANSFERRED.value if mocks.transfers else CUT_OFF
        happened = replace(
            happened,
            calls=tuple(replace(each, result=_read(each.result)) for each in happened.calls or ()),
            transfers=tuple(mocks.transfers),
            end_reason=talk.end_reason or passed_on,
            variables={**agent.variables, **mocks.variables},
            state=mocks.state,
        )
        return Observed(happened, tuple(talk.ledger), talk.wav())


def _clock(parts: VoiceParts, seed: int) -> Callable[[str], Latency]:
    if parts.measured:
        return lambda who: AnsweredLatency(drawn(seed, who))
    return lambda who: SeededLatency(drawn(seed, who), parts.paces)


def _told(on_event: OnEvent | None) -> Callable[[Note], None] | None:
    """What is noted, as a level tells it."""
    if on_event is None:
        return None

    def note(note: Note) -> None:
        match note.kind:
            case Kind.AGENT_SAID.value:
                on_event(Said("agent", note.data["text"], note.data["start_ms"], note.data["end_ms"]))
            case Kind.CALLER_SAID.value:
                on_event(Said("caller", note.data["text"], note.data["start_ms"], note.data["end_ms"]))
            case Kind.TOOL_STARTED.value:
                on_event(Called(note.data["name"], note.data["arguments"], at_ms=note.at_ms))

    return note


def _read(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text
