"""What a demo call left behind, and whether it proves what it should."""

from dataclasses import dataclass, field
from typing import Any

from trunkline.roles.demo.script import SCRIPT, Turn, heard
from trunkline.voice.conversation.events import Kind, Note

LEDGER_TOLERANCE_MS = 120
"""Jitter buffers that have grown and late threads, which neither side can see: 100 ms, and one frame."""
SILENCE_WITHIN_MS = 1000


@dataclass
class Outcome:
    """Filled while the call goes on."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    """What the caller said of itself (see caller.py)."""
    notes: list[Note] = field(default_factory=list)
    """The platform's live events."""
    record: dict[str, Any] = field(default_factory=dict)
    """The call object of `GET /v2/calls/{id}`."""
    recording: bytes = b""

    @property
    def answered(self) -> bool:
        """Whether the call came about."""
        return bool(self._of("answered"))

    def failed(self, reason: str) -> None:
        """The caller could not do its part."""
        self.reports.append({"event": "failed", "reason": reason})

    def gap_ms(self, turn: int) -> int | None:
        """What the caller waited for the answer to a turn, at its own ear."""
        return next((each["gap_ms"] for each in self._of("heard") if each["turn"] == turn), None)

    def silenced_ms(self, turn: int) -> int | None:
        """From the first frame of an interruption to the last voiced one of the agent."""
        return next((each["after_ms"] for each in self._of("silenced") if each["turn"] == turn), None)

    def ledger(self, turn: Turn) -> dict[str, Any] | None:
        """The platform's ledger of a turn: the one that follows the words with its key word."""
        said = False
        for note in self.notes:
            if note.kind == Kind.CALLER_SAID:
                said = heard(turn.key_word, str(note.data.get("text", "")))
            elif note.kind == Kind.TURN and said:
                return note.data
        return None

    def problems(self) -> list[str]:
        """What went wrong, in words; empty when the call proves the platform."""
        return [*self._call_problems(), *self._turn_problems(), *self._recording_problems()]

    def _of(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.reports if each.get("event") == event]

    def _call_problems(self) -> list[str]:
        found = [f"the caller failed: {each.get('reason')}" for each in self._of("failed")]
        if (status := self.record.get("call_status")) != "completed":
            found.append(
                f"the record says {status!r}, not completed: {self.record.get('error_message') or 'no reason given'}"
            )
        transcript = str(self.record.get("transcript") or "")
        found += [
            f"the transcript has no line of the {side}"
            for side in ("bot", "human")
            if f"{side}:" not in transcript
        ]
        return found

    def _turn_problems(self) -> list[str]:
        found: list[str] = []
        said = "\n".join(_lines(self.record, "human"))
        for number, turn in enumerate(SCRIPT, start=1):
            if not heard(turn.key_word, said):
                found.append(f"turn {number} was not heard with its key word {turn.key_word!r}")
            if (gap := self.gap_ms(number)) is None:
                found.append(f"turn {number} was not answered")
            elif (ledger := self.ledger(turn)) is None:
                found.append(f"turn {number} has no ledger")
            else:
                found += _ledger_problems(number, ledger, gap)
            silent = self.silenced_ms(number)
            if turn.interrupts and (silent is None or silent > SILENCE_WITHIN_MS):
                found.append(
                    f"the agent did not fall silent when it was interrupted in turn {number} ({silent} ms)"
                )
        return found

    def _recording_problems(self) -> list[str]:
        if self.recording[:4] != b"RIFF" or self.recording[8:12] != b"WAVE":
            return ["the recording cannot be read"]
        return []


def _lines(record: dict[str, Any], side: str) -> list[str]:
    lines = str(record.get("transcript") or "").splitlines()
    return [line.partition(":")[2].strip() for line in lines if line.startswith(f"{side}:")]


def _ledger_problems(number: int, ledger: dict[str, Any], gap: int) -> list[str]:
    total = sum(ledger.get("stages", {}).values())
    found = []
    if total != ledger.get("heard_gap_ms"):
        found.append(
            f"the stages of turn {number} make {total} ms, its ledger says {ledger.get('heard_gap_ms')}"
        )
    if abs(total - gap) > LEDGER_TOLERANCE_MS:
        found.append(f"the ledger of turn {number} says {total} ms, the caller waited {gap} ms")
    return found
