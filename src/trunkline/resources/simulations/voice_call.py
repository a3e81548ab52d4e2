"""A simulated call with sound that is over: what was noted, what was heard, and when."""

import io
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trunkline.resources.simulations.happenings import Called, Happenings, Said
from trunkline.voice.conversation.events import EndReason, Kind, Note

RATE = 8000
"""Samples a second on the line."""


@dataclass(frozen=True)
class Utterance:
    """What one side said, as far as it was heard; times on the call's clock."""

    sender: str
    """`bot` or `human`."""
    text: str
    start_ms: int
    end_ms: int
    cut: bool = False


@dataclass(frozen=True)
class VoiceCall:
    """A simulated call that is over."""

    notes: tuple[Note, ...]
    """The agent's, as a real call has them."""
    persona_notes: tuple[Note, ...]
    """The persona's own, and its deeds (kind `deed`: {do, done}) at the tick they were done."""
    sound: bytes
    """Stereo s16le at `rate`: left what the agent heard, right what the persona heard."""
    length_ms: int
    end_reason: str
    """The agent's; "" when the call was cut off at its bound."""
    rate: int = RATE

    @property
    def transcript(self) -> list[Utterance]:
        """What the agent's record holds, in the order in which it began."""
        said = {Kind.AGENT_SAID.value: "bot", Kind.CALLER_SAID.value: "human"}
        happened = [
            Utterance(
                said[note.kind],
                note.data["text"],
                note.data["start_ms"],
                note.data["end_ms"],
                note.data.get("cut", False),
            )
            for note in self.notes
            if note.kind in said
        ]
        return sorted(happened, key=lambda each: each.start_ms)

    @property
    def ledger(self) -> list[Mapping[str, Any]]:
        """A ledger for each turn the agent took."""
        return [note.data for note in self.notes if note.kind == Kind.TURN.value]

    @property
    def happenings(self) -> Happenings:
        """The talk as rules and judges read it: the agent's record of it."""
        said = self.transcript
        turns = [
            Said("agent" if each.sender == "bot" else "caller", each.text, each.start_ms, each.end_ms)
            for each in said
        ]
        passed = [
            str(note.data.get("target") or note.data.get("action"))
            for note in self.notes
            if note.kind == Kind.TRANSFER_STARTED.value
        ]
        spoke = tuple(
            (int(note.data["start_ms"]), int(note.data["end_ms"]))
            for note in self.persona_notes
            if note.kind == Kind.AGENT_SAID.value
        )
        details = [
            str(note.data.get("detail", ""))
            for note in self.notes
            if note.kind == Kind.ENDED.value and note.data["reason"] == EndReason.CUSTOM.value
        ]
        return Happenings(
            tuple(turns),
            tuple(self._calls(said)),
            tuple(passed),
            self.end_reason or None,
            end_detail=details[0] if details else "",
            caller_spoke=spoke,
        )

    def _calls(self, said: Sequence[Utterance]) -> list[Called]:
        ended = {note.data["call"]: note.data for note in self.notes if note.kind == Kind.TOOL_FINISHED.value}
        found = []
        for note in self.notes:
            if note.kind != Kind.TOOL_STARTED.value:
                continue
            end = ended.get(note.data["call"], {})
            found.append(
                Called(
                    str(note.data.get("action") or note.data["name"]),
                    note.data["arguments"],
                    end.get("result"),
                    bool(end.get("ok")),
                    sum(each.start_ms <= note.at_ms for each in said),
                    note.at_ms,
                )
            )
        return found

    def wav(self) -> bytes:
        """The sound as a file."""
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(self.rate)
            file.writeframes(self.sound)
        return out.getvalue()


def stereo(left: bytes | bytearray, right: bytes | bytearray) -> bytes:
    """Two sides of a call beside each other, the shorter one filled up with silence."""
    size = max(len(left), len(right))
    both = [np.frombuffer(bytes(each).ljust(size, b"\0"), "<i2") for each in (left, right)]
    return np.stack(both, axis=1).tobytes()
