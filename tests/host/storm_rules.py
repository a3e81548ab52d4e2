"""What holds behind a storm, of every call."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from trunkline.platform.storage.blobs import Blobs
from trunkline.resources.calls.status import FINAL, CallStatus
from trunkline.voice.conversation.events import Note

RATE = 8000
_HEADER_BYTES = 44


@dataclass(frozen=True)
class Told:
    """A call as it is told afterwards."""

    id: UUID
    status: CallStatus
    ended: bool
    notes: Sequence[tuple[int, Note]]
    """With their numbers, in the order of these."""
    transcript: str
    recording: str | None
    """Its key in the store."""
    recorded_s: float | None
    to_be_recorded: bool

    def __str__(self) -> str:
        return f"call {self.id}, {self.status}"


async def check(calls: Iterable[Told], blobs: Blobs) -> None:
    """Raises AssertionError, which names the call."""
    for call in calls:
        _is_over_once(call)
        _says_what_was_said(call)
        await _was_recorded(call, blobs)
    loose = [key for key in await blobs.list("recordings") if key.endswith(".pcm")]
    assert not loose, f"seconds that are in no recording: {loose}"


def _is_over_once(call: Told) -> None:
    assert call.status in FINAL and call.ended, f"{call}: it is not over"
    assert [seq for seq, _ in call.notes] == list(range(len(call.notes))), f"{call}: a note is missing"
    times = [note.at_ms for _, note in call.notes]
    assert times == sorted(times), f"{call}: notes out of order"
    kinds = [note.kind for _, note in call.notes]
    assert kinds.count("started") <= 1 and kinds.count("ended") <= 1, f"{call}: {kinds}"
    after = kinds[kinds.index("ended") + 1 :] if "ended" in kinds else []
    assert set(after) <= {"line"}, f"{call}: {after} after its end"


def _says_what_was_said(call: Told) -> None:
    """Record and transcript tell of the same talk."""
    spoken = [note for _, note in call.notes if note.kind in ("caller_said", "agent_said")]
    said = [" ".join(str(note.data["text"]).split()) for note in spoken]
    lines = [line.partition(": ")[2] for line in call.transcript.splitlines() if line]
    assert lines == [text for text in said if text], f"{call}: the transcript is another"


async def _was_recorded(call: Told, blobs: Blobs) -> None:
    """The recording is there, is as long as the call, and what the agent said can be heard on it."""
    if call.recording is None:
        promised = call.to_be_recorded and call.status is CallStatus.COMPLETED
        assert not promised, f"{call}: it is completed and cannot be heard"
        return
    wav = await blobs.get(call.recording)
    seconds = (len(wav) - _HEADER_BYTES) / (RATE * 2 * 2)
    assert call.recorded_s is not None and abs(call.recorded_s - seconds) < 0.1, call
    ended = [note.at_ms for _, note in call.notes if note.kind == "ended"]
    if ended:
        assert seconds <= ended[0] / 1000 + 1.5, f"{call}: recorded longer than it lasted"
